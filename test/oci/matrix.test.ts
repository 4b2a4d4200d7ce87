import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Role } from '../../src/protocol/iam/roles.ts'
import { type EndpointKind, endpointMethods, parseRoute } from '../../src/protocol/oci/routes.ts'
import { addAccount, addPerson, disablePerson, grant, type Person } from '../people.ts'
import { createOrganization, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type Operation, operations, prepareGroup, type Stage, startUpload } from './operations.ts'
import { dockerToken, type RegistryClient, registryClient } from './registry-client.ts'

/**
 * Who asks. `nobody` sends no header and `anonymous` the token of nobody; `foreign` administers another account;
 * `disabled` had level 7; `r…` and `o…` hold that level on the repository or on the organization; `pull` to `delete` are
 * tokens of the administrator that hold these actions on each repository that is asked for, and `expired` is one that held
 * all of them. `read7`, `guest7` and `bare7` hold 7 on the organization and the role `SWR ReadOnlyAccess`, `Tenant Guest`
 * or none; `full` holds nothing but `SWR FullAccess`.
 */
const askers =
  'nobody anonymous foreign none disabled r1 r3 r7 o1 o3 o7 admin pull pull,push delete read7 guest7 bare7 full expired'.split(
    ' ',
  )

/** What each is answered, in the order of `askers`; the repository is private (distribution, "Token Scope Documentation"). */
const privateMatrix: Record<keyof typeof operations, string> = {
  'GET /v2/': '401 200 200 200 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 401',
  'HEAD /v2/': '401 200 200 200 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 401',
  'GET extensions': '200 200 200 200 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 401',
  'HEAD extensions': '200 200 200 200 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 401',
  'GET catalog': '401 401 200 200 401 200 200 200 200 200 200 200 401 401 401 200 200 200 200 401',
  'HEAD catalog': '401 401 200 200 401 200 200 200 200 200 200 200 401 401 401 200 200 200 200 401',
  'GET tags': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'HEAD tags': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'GET manifest by tag': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'HEAD manifest by digest': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'GET blob': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'HEAD blob': '401 401 404 404 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  // An empty list, as of any repository that is not there.
  'GET referrers': '401 401 200 200 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'HEAD referrers': '401 401 200 200 401 200 200 200 200 200 200 200 200 200 401 200 200 200 200 401',
  'GET a missing tag': '401 401 404 404 401 404 404 404 404 404 404 404 404 404 401 404 404 404 404 401',
  'GET a missing repository': '401 401 404 404 401 404 404 404 404 404 404 404 404 404 404 404 404 404 404 401',
  'POST upload': '401 401 404 404 401 403 202 202 403 202 202 202 401 202 401 403 403 202 202 401',
  'POST a whole blob': '401 401 404 404 401 403 201 201 403 201 201 201 401 201 401 403 403 201 201 401',
  'POST a mount': '401 401 404 404 401 403 201 201 403 201 201 201 401 201 401 403 403 201 201 401',
  'GET upload': '401 401 404 404 401 403 204 204 403 204 204 204 401 204 401 403 403 204 204 401',
  'HEAD upload': '401 401 404 404 401 403 204 204 403 204 204 204 401 204 401 403 403 204 204 401',
  'PATCH upload': '401 401 404 404 401 403 202 202 403 202 202 202 401 202 401 403 403 202 202 401',
  'PUT upload': '401 401 404 404 401 403 201 201 403 201 201 201 401 201 401 403 403 201 201 401',
  'DELETE upload': '401 401 404 404 401 403 204 204 403 204 204 204 401 204 401 403 403 204 204 401',
  'PUT manifest over a tag': '401 401 404 404 401 403 201 201 403 201 201 201 401 201 401 403 403 201 201 401',
  'PUT manifest by digest': '401 401 404 404 401 403 201 201 403 201 201 201 401 201 401 403 403 201 201 401',
  'PUT manifest to a new repository': '401 401 404 404 401 404 404 404 403 201 201 201 401 201 401 403 403 201 201 401',
  'POST upload to a new repository': '401 401 404 404 401 404 404 404 403 202 202 202 401 202 401 403 403 202 202 401',
  'DELETE tag': '401 401 404 404 401 403 403 202 403 403 202 202 401 401 202 403 403 202 202 401',
  'DELETE digest': '401 401 404 404 401 403 403 202 403 403 202 202 401 401 202 403 403 202 202 401',
  'DELETE blob': '401 401 404 404 401 403 403 202 403 403 202 202 401 401 202 403 403 202 202 401',
}

/** The same of a public repository, for those who hold nothing on it. */
const publicMatrix: Record<keyof typeof operations, string> = {
  'GET /v2/': '401 200 200 200 401',
  'HEAD /v2/': '401 200 200 200 401',
  'GET extensions': '200 200 200 200 401',
  'HEAD extensions': '200 200 200 200 401',
  'GET catalog': '401 401 200 200 401',
  'HEAD catalog': '401 401 200 200 401',
  'GET tags': '200 200 200 200 401',
  'HEAD tags': '200 200 200 200 401',
  'GET manifest by tag': '200 200 200 200 401',
  'HEAD manifest by digest': '200 200 200 200 401',
  'GET blob': '200 200 200 200 401',
  'HEAD blob': '200 200 200 200 401',
  'GET referrers': '200 200 200 200 401',
  'HEAD referrers': '200 200 200 200 401',
  'GET a missing tag': '404 404 404 404 401',
  'GET a missing repository': '401 401 404 404 401',
  'POST upload': '401 401 403 403 401',
  'POST a whole blob': '401 401 403 403 401',
  'POST a mount': '401 401 403 403 401',
  'GET upload': '401 401 403 403 401',
  'HEAD upload': '401 401 403 403 401',
  'PATCH upload': '401 401 403 403 401',
  'PUT upload': '401 401 403 403 401',
  'DELETE upload': '401 401 403 403 401',
  'PUT manifest over a tag': '401 401 403 403 401',
  'PUT manifest by digest': '401 401 403 403 401',
  'PUT manifest to a new repository': '401 401 404 404 401',
  'POST upload to a new repository': '401 401 404 404 401',
  'DELETE tag': '401 401 403 403 401',
  'DELETE digest': '401 401 403 403 401',
  'DELETE blob': '401 401 403 403 401',
}

const rolesOfAskers: Record<string, Role> = {
  read7: 'SWR ReadOnlyAccess',
  guest7: 'Tenant Guest',
  bare7: 'none',
  full: 'SWR FullAccess',
}

describeServers('rights in the registry API', engine => {
  let server: TestServer
  let foreigner: Person
  let passedMs = 0
  beforeAll(async () => {
    // The disabled user's login fails with every request.
    const settings = { STOWER_LOGINS_MOST_FAILURES: '1000000' }
    server = await startTestServer(engine, settings, { clock: { nowMs: () => Date.now() + passedMs } })
    foreigner = await addAccount(server, 'OTC111')
    await createOrganization(server, 'open')
    await prepareGroup(server, 'open', 'public')
  })
  afterAll(() => server.stop())

  test.each(askers.map((asker, column) => [asker, column] as const))(
    '%s may do what the table says, and what is refused changes nothing',
    async (asker, column) => {
      const organization = `private${column}`
      await createOrganization(server, organization)
      await prepareGroup(server, organization, 'private')
      const answers = await answersTo(await stageOf(asker, organization))
      const expected = Object.entries(privateMatrix).map(([name, row]) => [name, Number(row.split(' ')[column])])
      expect(answers).toEqual(Object.fromEntries(expected))
    },
  )

  test.each(askers.slice(0, 5).map((asker, column) => [asker, column] as const))(
    '%s may pull what is public, and no more than that',
    async (asker, column) => {
      const organization = `public${column}`
      await createOrganization(server, organization)
      await prepareGroup(server, organization, 'public')
      const answers = await answersTo(await stageOf(asker, organization))
      const expected = Object.entries(publicMatrix).map(([name, row]) => [name, Number(row.split(' ')[column])])
      expect(answers).toEqual(Object.fromEntries(expected))
    },
  )

  test('each method of each endpoint of the route table is among what the matrix asks for', async () => {
    await createOrganization(server, 'routes')
    await prepareGroup(server, 'routes', 'private')
    const asked = new Set<string>()
    const stage = await stageOf('admin', 'routes')
    const client: RegistryClient = {
      ...stage.client,
      request: (method, path, options) => {
        asked.add(`${method} ${parseRoute(method, path.replace(/\?.*$/, '')).kind}`)
        return stage.client.request(method, path, options)
      },
    }
    await answersTo({ ...stage, client })
    const all = (Object.keys(endpointMethods) as EndpointKind[]).flatMap(kind =>
      endpointMethods[kind].map(method => `${method} ${kind}`),
    )
    expect([...asked].sort()).toEqual(all.sort())
  })

  async function answersTo(stage: Stage) {
    const answers: Record<string, number> = {}
    for (const [name, operation] of Object.entries<Operation>(operations)) {
      const before = await everything()
      const { status } = await operation(stage)
      answers[name] = status
      if (status >= 400) expect([name, await everything()]).toEqual([name, before])
    }
    return answers
  }

  async function stageOf(asker: string, organization: string): Promise<Stage> {
    const client = registryClient(server, await authorizationOf(asker, organization))
    const upload =
      (await startUpload(client, `${organization}/r`)) ??
      (await startUpload(registryClient(server), `${organization}/r`))
    return { organization, client, upload: upload ?? '' }
  }

  async function authorizationOf(asker: string, organization: string): Promise<string> {
    const repositories = ['r', 'new1', 'new2', 'no'].map(name => `repository:${organization}/${name}`)
    switch (asker) {
      case 'nobody':
        return ''
      case 'anonymous':
        return dockerToken(
          server,
          repositories.map(scope => `${scope}:pull,push,delete`),
          '',
        )
      case 'foreign':
        return foreigner.basic
      case 'admin':
        return server.basic
      case 'pull':
      case 'pull,push':
      case 'delete':
        return dockerToken(server, [...repositories.map(scope => `${scope}:${asker}`), 'repository:open/r:pull'])
      case 'expired': {
        const token = await dockerToken(
          server,
          repositories.map(scope => `${scope}:pull,push,delete`),
        )
        passedMs += 3_600_000
        return token
      }
    }
    const person = await addPerson(server, `${asker}-${organization}`, rolesOfAskers[asker])
    if (asker === 'disabled') {
      await grant(server, person, organization, 7)
      await disablePerson(server, person)
    } else if (asker in rolesOfAskers && asker !== 'full') {
      await grant(server, person, organization, 7)
    } else if (asker !== 'none' && asker !== 'full') {
      await grant(server, person, asker.startsWith('r') ? `${organization}/r` : organization, Number(asker.slice(1)))
    }
    return person.basic
  }

  /** How many rows there are of everything that a registry request could add, and the rows that it could change. */
  async function everything() {
    const count = async (table: 'repositories' | 'blob_links' | 'manifests' | 'upload_sessions' | 'events') => {
      const { rows } = await server.database
        .selectFrom(table)
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      return Number(rows)
    }
    return {
      repositories: await count('repositories'),
      blob_links: await count('blob_links'),
      manifests: await count('manifests'),
      events: await count('events'),
      uploads: await server.database
        .selectFrom('upload_sessions')
        .select(['id', 'offset_bytes'])
        .orderBy('id')
        .execute(),
      tags: await server.database.selectFrom('tags').selectAll().orderBy('repository_id').orderBy('name').execute(),
    }
  }
})
