import { ociImage, registryClient, sha256 } from '../../test/oci/registry-client.ts'
import { credentials, managementToken, type Program } from '../program.ts'

/**
 * Pushes an image and a referrer of it to `organization/repository` and lets everyone read them. Resolves to the
 * variables that tell the suite what is there.
 */
export async function pushPublicContent(program: Program, name: string): Promise<Record<string, string>> {
  const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
  const client = registryClient({ url: program.url, basic })
  const layers = ['layer one', 'layer two']
  const { digest, body } = await client.pushImage(name, 'v1', layers)
  const referrer = JSON.stringify({
    ...JSON.parse(body),
    artifactType: 'application/vnd.example.note',
    subject: { mediaType: ociImage, digest, size: body.length },
  })
  const pushed = await client.request('PUT', `/v2/${name}/manifests/${sha256(referrer)}`, {
    headers: { 'content-type': ociImage },
    body: referrer,
  })
  if (pushed.status !== 201) throw new Error(`no referrer: ${pushed.status} ${await pushed.text()}`)
  const [organization, repository] = name.split('/')
  const opened = await fetch(`${program.url}/v2/manage/namespaces/${organization}/repos/${repository}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'x-auth-token': await managementToken(program) },
    body: JSON.stringify({ is_public: true }),
  })
  if (opened.status !== 201) throw new Error(`not public: ${opened.status} ${await opened.text()}`)
  return {
    OCI_RO_DATA_TAGS: 'v1',
    OCI_RO_DATA_MANIFESTS: `${digest} ${sha256(referrer)}`,
    OCI_RO_DATA_BLOBS: layers.map(sha256).join(' '),
    OCI_RO_DATA_REFERRERS: digest,
  }
}
