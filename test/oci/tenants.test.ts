import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type EndpointKind, endpointMethods } from '../../src/protocol/oci/routes.ts'
import { addAccount } from '../people.ts'
import { createOrganization, describeServers, startTestServer, type TestServer } from '../server.ts'
import { imageOf, prepareGroup, putManifest, startUpload } from './operations.ts'
import { dockerToken, ociImage, type RegistryClient, registryClient, sha256 } from './registry-client.ts'

/** Everything by which a request names something of a tenant. */
type Names = { repository: string; tag: string; layer: string; digest: string; blob: string; upload: string }

/** One path for each endpoint of the registry API; an endpoint that is added has to be named here. */
const paths = {
  base: () => '/v2/',
  catalog: () => '/v2/_catalog',
  extensions: () => '/v2/_oci/ext/discover',
  manifest: names => [
    `/v2/${names.repository}/manifests/${names.tag}`,
    `/v2/${names.repository}/manifests/${names.digest}`,
  ],
  blob: names => `/v2/${names.repository}/blobs/${names.blob}`,
  'upload-start': names => [
    `/v2/${names.repository}/blobs/uploads/`,
    `/v2/${names.repository}/blobs/uploads/?digest=${sha256('hello')}`,
  ],
  upload: names => `/v2/${names.repository}/blobs/uploads/${names.upload}`,
  tags: names => `/v2/${names.repository}/tags/list`,
  referrers: names => `/v2/${names.repository}/referrers/${names.digest}`,
} as const satisfies Record<EndpointKind, (names: Names) => string | readonly string[]>

/** Each method of each endpoint, with a body that would do something. */
const calls = (Object.keys(paths) as EndpointKind[])
  .filter(kind => !['base', 'catalog', 'extensions'].includes(kind))
  .flatMap(kind => endpointMethods[kind].map(method => [method, kind] as const))

const absent: Names = {
  // As long as the name that is there: it comes back in answers.
  repository: 'none/r',
  tag: 'what',
  layer: 'what',
  digest: sha256(imageOf('what')),
  blob: sha256('absent blob'),
  upload: '00000000-0000-4000-8000-000000000000',
}

describeServers('two tenants of one registry', engine => {
  let server: TestServer
  let theirs: Names
  /** The other tenant by its login, and with a token for which it asked everything. */
  const intruders: [what: string, client: RegistryClient][] = []

  beforeAll(async () => {
    server = await startTestServer(engine)
    await createOrganization(server, 'ours')
    await prepareGroup(server, 'ours', 'private')
    const upload = await startUpload(registryClient(server), 'ours/r')
    await registryClient(server).request('PATCH', upload ?? '', { body: 'staged bytes' })
    const subject = { mediaType: ociImage, digest: sha256(imageOf('kept')), size: imageOf('kept').length }
    const referrer = JSON.stringify({ ...JSON.parse(imageOf('kept')), subject })
    const pushed = await putManifest(registryClient(server), 'ours/r', sha256(referrer), referrer)
    expect([pushed.status, pushed.headers.get('oci-subject')]).toEqual([201, subject.digest])
    theirs = {
      repository: 'ours/r',
      tag: 'kept',
      layer: 'kept',
      digest: sha256(imageOf('kept')),
      blob: sha256('loose'),
      upload: upload?.split('/').at(-1) ?? '',
    }
    const other = await addAccount(server, 'OTC222')
    await createOrganization(server, 'others', { ...other, user: other.name })
    await registryClient(server, other.basic).pushImage('others/r', 'own')
    const scopes = ['ours/r', 'others/r', 'none/r'].map(name => `repository:${name}:pull,push,delete`)
    intruders.push(
      ['a login', registryClient(server, other.basic)],
      ['a token', registryClient(server, await dockerToken(server, scopes, other.basic))],
    )
  })
  afterAll(() => server.stop())

  test.each(calls)(
    '%s of another tenant’s %s by its full name is answered as of nothing at all',
    async (method, kind) => {
      for (const [what, client] of intruders) {
        const before = await rowsOf('ours')
        const found = await answersTo(client, method, kind, theirs)
        const missing = await answersTo(client, method, kind, { ...theirs, repository: absent.repository })
        expect([what, found]).toEqual([what, blanked(missing, 'none', 'ours')])
        expect(await rowsOf('ours')).toEqual(before)
      }
    },
  )

  test.each(calls.filter(([, kind]) => kind !== 'upload-start' && kind !== 'tags'))(
    '%s of another tenant’s %s below a name of one’s own is answered as of an unknown one',
    async (method, kind) => {
      for (const [what, client] of intruders) {
        const before = await rowsOf('ours')
        const found = await answersTo(client, method, kind, { ...theirs, repository: 'others/r' })
        const missing = await answersTo(client, method, kind, { ...absent, repository: 'others/r' })
        expect([what, blankedNames(found, theirs)]).toEqual([what, blankedNames(missing, absent)])
        expect(await rowsOf('ours')).toEqual(before)
      }
    },
  )

  test('a mount of another tenant’s blob is an upload like that of an unknown one, with and without its source', async () => {
    const before = await rowsOf('ours')
    for (const [, client] of intruders) {
      const ask = async (digest: string, from: string) => {
        const answer = await client.request('POST', `/v2/others/r/blobs/uploads/?mount=${digest}${from}`)
        const { location = '', ...headers } = headersOf(answer)
        return { status: answer.status, location: location.replace(/[^/]+$/, ''), headers: Object.keys(headers).sort() }
      }
      const unknown = await ask(absent.blob, '&from=none/r')
      expect(unknown.status).toBe(202)
      for (const from of ['&from=ours/r', '&from=none/r', '&from=others/r', '', '&from=']) {
        expect([from, await ask(theirs.blob, from)]).toEqual([from, unknown])
      }
      expect((await client.request('GET', `/v2/others/r/blobs/${theirs.blob}`)).status).toBe(404)
    }
    expect(await rowsOf('ours')).toEqual(before)
  })

  test('a manifest cannot make another tenant’s blobs or manifests its own by naming them', async () => {
    for (const [, client] of intruders) {
      const image = await client.request('PUT', '/v2/others/r/manifests/v1', {
        headers: { 'content-type': ociImage },
        body: imageOf('loose'),
      })
      expect([image.status, (await image.text()).includes('MANIFEST_BLOB_UNKNOWN')]).toEqual([404, true])
      const child = { mediaType: ociImage, digest: theirs.digest, size: imageOf('kept').length }
      const index = await client.request('PUT', '/v2/others/r/manifests/v1', {
        headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
        body: JSON.stringify({ schemaVersion: 2, manifests: [child] }),
      })
      expect([index.status, (await index.text()).includes('MANIFEST_BLOB_UNKNOWN')]).toEqual([404, true])
    }
  })

  test('the catalog holds no name of another tenant', async () => {
    for (const [, client] of intruders) {
      const text = await (await client.request('GET', '/v2/_catalog')).text()
      expect(text).not.toContain('ours')
    }
    expect(await (await intruders[0]?.[1].request('GET', '/v2/_catalog'))?.json()).toEqual({
      repositories: ['others/r'],
    })
  })

  async function answersTo(client: RegistryClient, method: string, kind: EndpointKind, names: Names) {
    const answers: { path: string; status: number; body: string; headers: Record<string, string> }[] = []
    for (const path of [paths[kind](names)].flat()) {
      const answer = await client.request(
        method,
        method === 'PUT' && kind === 'upload' ? `${path}?digest=${names.blob}` : path,
        {
          ...(method === 'PUT' &&
            kind === 'manifest' && { headers: { 'content-type': ociImage }, body: imageOf(names.layer) }),
          ...((method === 'PATCH' || method === 'POST') && { body: 'hello' }),
        },
      )
      // A digest without referrers has an empty list of them, whatever it is.
      const statuses = kind === 'referrers' ? [200, 404] : [404]
      expect([method, path, statuses.includes(answer.status)]).toEqual([method, path, true])
      const { 'x-request-id': _, date: __, ...headers } = headersOf(answer)
      answers.push({ path, status: answer.status, body: await answer.text(), headers })
    }
    return answers
  }

  /** Every row that belongs to the organization, or that a request could have added to it. */
  async function rowsOf(organization: string) {
    const { id } = await server.database
      .selectFrom('repositories')
      .innerJoin('organizations', 'organizations.id', 'repositories.organization_id')
      .select('repositories.id')
      .where('organizations.name', '=', organization)
      .executeTakeFirstOrThrow()
    const rows = async (table: 'blob_links' | 'manifests' | 'tags' | 'upload_sessions' | 'tag_history') =>
      JSON.stringify(
        (await server.database.selectFrom(table).selectAll().where('repository_id', '=', id).execute())
          .map(row => JSON.stringify(row))
          .sort(),
      )
    return {
      links: await rows('blob_links'),
      manifests: await rows('manifests'),
      tags: await rows('tags'),
      uploads: await rows('upload_sessions'),
      history: await rows('tag_history'),
      repositories: (await server.database.selectFrom('repositories').select('id').execute()).length,
    }
  }
})

function headersOf(answer: Response): Record<string, string> {
  return Object.fromEntries(answer.headers.entries())
}

function blanked<T>(answers: T, name: string, as: string): T {
  return JSON.parse(JSON.stringify(answers).replaceAll(name, as)) as T
}

function blankedNames<T>(answers: T, names: Names): T {
  const text = [sha256(names.layer), names.digest, names.blob, names.upload, names.tag].reduce(
    (result, name, index) => result.replaceAll(name, `name ${index}`),
    JSON.stringify(answers),
  )
  return JSON.parse(text) as T
}
