import { makePublic } from '../people.ts'
import type { TestServer } from '../server.ts'
import { ociImage, type RegistryClient, registryClient, sha256 } from './registry-client.ts'

/** What a request is made with: an organization of `prepareGroup`, who asks, and an upload of the asker's own if it can have one. */
export type Stage = { organization: string; client: RegistryClient; upload: string }
export type Operation = (stage: Stage) => Promise<Response>

/** Everything that the registry API lets anyone do, in an order in which each finds what it needs. */
export const operations = {
  'GET /v2/': ({ client }) => client.request('GET', '/v2/'),
  'HEAD /v2/': ({ client }) => client.request('HEAD', '/v2/'),
  'GET extensions': ({ client }) => client.request('GET', '/v2/_oci/ext/discover'),
  'HEAD extensions': ({ client }) => client.request('HEAD', '/v2/_oci/ext/discover'),
  'HEAD catalog': ({ client }) => client.request('HEAD', '/v2/_catalog'),
  'GET catalog': ({ client }) => client.request('GET', '/v2/_catalog'),
  'GET tags': ({ client, organization }) => client.request('GET', `/v2/${organization}/r/tags/list`),
  'HEAD tags': ({ client, organization }) => client.request('HEAD', `/v2/${organization}/r/tags/list`),
  'GET manifest by tag': ({ client, organization }) => client.request('GET', `/v2/${organization}/r/manifests/kept`),
  'HEAD manifest by digest': ({ client, organization }) =>
    client.request('HEAD', `/v2/${organization}/r/manifests/${sha256(imageOf('kept'))}`),
  'GET blob': ({ client, organization }) => client.request('GET', `/v2/${organization}/r/blobs/${sha256('kept')}`),
  'HEAD blob': ({ client, organization }) => client.request('HEAD', `/v2/${organization}/r/blobs/${sha256('kept')}`),
  'GET referrers': ({ client, organization }) =>
    client.request('GET', `/v2/${organization}/r/referrers/${sha256(imageOf('kept'))}`),
  'HEAD referrers': ({ client, organization }) =>
    client.request('HEAD', `/v2/${organization}/r/referrers/${sha256(imageOf('kept'))}`),
  'GET a missing tag': ({ client, organization }) => client.request('GET', `/v2/${organization}/r/manifests/no`),
  'GET a missing repository': ({ client, organization }) => client.request('GET', `/v2/${organization}/no/tags/list`),
  'POST upload': ({ client, organization }) => client.request('POST', `/v2/${organization}/r/blobs/uploads/`),
  'POST a whole blob': ({ client, organization }) =>
    client.request('POST', `/v2/${organization}/r/blobs/uploads/?digest=${sha256('whole')}`, { body: 'whole' }),
  'POST a mount': ({ client, organization }) =>
    client.request('POST', `/v2/${organization}/r/blobs/uploads/?mount=${sha256('open')}&from=open/r`),
  'GET upload': ({ client, upload }) => client.request('GET', upload),
  'HEAD upload': ({ client, upload }) => client.request('HEAD', upload),
  'PATCH upload': ({ client, upload }) => client.request('PATCH', upload, { body: 'patched' }),
  'PUT upload': ({ client, upload }) => client.request('PUT', `${upload}?digest=${sha256('patched')}`),
  'DELETE upload': async ({ client, organization, upload }) =>
    client.request('DELETE', (await startUpload(client, `${organization}/r`)) ?? upload),
  'PUT manifest over a tag': ({ client, organization }) =>
    putManifest(client, `${organization}/r`, 'moved', imageOf('kept')),
  'PUT manifest by digest': ({ client, organization }) =>
    putManifest(client, `${organization}/r`, sha256(imageOf('new')), imageOf('new')),
  'PUT manifest to a new repository': ({ client, organization }) =>
    putManifest(client, `${organization}/new1`, 'v1', JSON.stringify({ schemaVersion: 2, manifests: [] }), ociIndex),
  'POST upload to a new repository': ({ client, organization }) =>
    client.request('POST', `/v2/${organization}/new2/blobs/uploads/`),
  'DELETE tag': ({ client, organization }) => client.request('DELETE', `/v2/${organization}/r/manifests/tagged`),
  'DELETE digest': ({ client, organization }) =>
    client.request('DELETE', `/v2/${organization}/r/manifests/${sha256(imageOf('dropped'))}`),
  'DELETE blob': ({ client, organization }) =>
    client.request('DELETE', `/v2/${organization}/r/blobs/${sha256('loose')}`),
} as const satisfies Record<string, Operation>

/** Makes the repository `r` of an organization, with what `operations` ask for in it. */
export async function prepareGroup(server: TestServer, organization: string, visibility: 'private' | 'public') {
  const client = registryClient(server)
  const name = `${organization}/r`
  await Promise.all(
    ['{}', 'kept', 'new', 'tagged', 'dropped', 'loose', 'open'].map(text => client.pushBlob(name, text)),
  )
  for (const tag of ['kept', 'tagged', 'dropped']) await putManifest(client, name, tag, imageOf(tag))
  await putManifest(client, name, 'moved', imageOf('dropped'))
  if (visibility === 'public') await makePublic(server, name)
}

/** The location of a new upload; undefined where the asker may have none. */
export async function startUpload(client: RegistryClient, name: string): Promise<string | undefined> {
  const response = await client.request('POST', `/v2/${name}/blobs/uploads/`)
  return response.status === 202 ? (response.headers.get('location') ?? undefined) : undefined
}

/** An image over one layer, as text. */
export function imageOf(layer: string): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociImage,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(layer), size: layer.length }],
  })
}

export function putManifest(client: RegistryClient, name: string, reference: string, body: string, type = ociImage) {
  return client.request('PUT', `/v2/${name}/manifests/${reference}`, { headers: { 'content-type': type }, body })
}

const ociIndex = 'application/vnd.oci.image.index.v1+json'
