import { afterAll, beforeAll, expect, test } from 'bun:test'
import { registryClient } from '../oci/registry-client.ts'
import { addPerson, grant, makePublic, type Person } from '../people.ts'
import {
  createOrganization,
  credentials,
  describeServers,
  managementToken,
  startTestServer,
  type TestServer,
} from '../server.ts'
import { stower } from './command-line.ts'

describeServers('why a request is refused', engine => {
  let server: TestServer
  let reader: Person
  beforeAll(async () => {
    server = await startTestServer(engine)
    await createOrganization(server, 'group')
    await registryClient(server).pushImage('group/app', 'v1')
    await registryClient(server).pushImage('group/open', 'v1')
    await makePublic(server, 'group/open')
    reader = await addPerson(server, 'reader')
    await grant(server, reader, 'group/app', 1)
    const limited = await addPerson(server, 'limited', 'SWR ReadOnlyAccess')
    await grant(server, limited, 'group', 7)
  })
  afterAll(() => server.stop())

  const explain = async (...args: string[]) => {
    const env = { STOWER_DATA_DIR: server.dataDir, ...server.databaseEnv }
    return stower(['explain', ...args], { env })
  }

  test.each([
    ['reader', 'pull', 'group/app', 0, 'may repository.pull group/app: granted 1, needs 1'],
    ['reader', 'push', 'group/app', 1, 'may not repository.push group/app: granted 1, needs 3'],
    ['reader', 'push', 'group/new', 1, 'may not repository.push group/new: there is no such object'],
    ['reader', 'delete', 'group/app', 1, 'may not content.delete group/app: granted 1, needs 7'],
    ['limited', 'push', 'group/app', 1, 'may not repository.push group/app: granted 1, needs 3'],
    ['limited', 'push', 'group/new', 1, 'may not repository.create group/new: granted 1, needs 3'],
    [credentials.user, 'push', 'group/new', 0, 'may repository.create group/new: administrator of the account'],
    [
      undefined,
      'pull',
      'group/open',
      0,
      'nobody in particular may repository.pull group/open: the repository is public',
    ],
    [undefined, 'pull', 'group/app', 1, 'nobody in particular may not repository.pull group/app'],
  ] as const)('%s and %s on %s', async (user, action, repository, code, last) => {
    const named = user === undefined ? [] : ['--user', user]
    const explained = await explain(...named, '--action', action, '--repository', repository)
    expect([explained.code, explained.err]).toEqual([code, ''])
    const lines = explained.out.trimEnd().split('\n')
    expect(lines.at(-1)).toContain(last)
    expect(lines.at(0)).toMatch(/^ {2}yes: the proof of identity counts/)
    expect(lines.length).toBeGreaterThan(2)
  })

  test('what is done to an organization or to the account is explained, too', async () => {
    const deletion = await explain('--user', 'limited', '--action', 'organization.delete', '--organization', 'group')
    expect([deletion.code, deletion.out]).toEqual([1, expect.stringContaining('no: a grant of 7 (there is 1 on')])
    const making = await explain('--user', 'limited', '--action', 'organization.create')
    expect(making.out).toContain('no: a role that may make organizations in it (the role is SWR ReadOnlyAccess)')
    expect((await explain('--action', 'list')).out).toContain('repository.pull\n')
  })

  test('who or what is not there is said', async () => {
    const nobody = await explain('--user', 'ghost', '--action', 'pull', '--repository', 'group/app')
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('there is no user ghost')])
    const nothing = await explain('--user', 'reader', '--action', 'paint', '--repository', 'group/app')
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('--action list')])
  })

  const lineOf = (response: Response) => {
    const id = response.headers.get('x-request-id') ?? 'no id'
    const line = server.log.find(each => each.includes(id))
    return line === undefined ? undefined : (JSON.parse(line) as { looked?: string[]; status: number })
  }

  test('the access line of a refused request tells why by its request id, and the answer does not', async () => {
    const pushed = await registryClient(server, reader.basic).request('POST', '/v2/group/app/blobs/uploads/')
    expect(lineOf(pushed)).toMatchObject({ status: 403 })
    expect(lineOf(pushed)?.looked).toContain('no: a grant of 3 (there is 0 on the organization, 1 on the repository)')
    expect(await pushed.text()).not.toMatch(/grant of|granted|looked/)

    const token = await managementToken(server, {
      account: credentials.account,
      user: 'reader',
      password: reader.password,
    })
    const managed = await fetch(`${server.url}/v2/manage/namespaces/group/repos/app`, {
      method: 'DELETE',
      headers: { 'x-auth-token': token },
    })
    expect(managed.status).toBe(403)
    expect(lineOf(managed)?.looked).toContain('no: a grant of 7 (there is 0 on the organization, 1 on the repository)')
    expect(await managed.text()).not.toMatch(/grant of|granted|looked/)
  })

  test('the access line of a docker token says which of the scopes are missing, and why', async () => {
    const query = 'service=dockyard&scope=repository:group/app:pull,push'
    const response = await fetch(`${server.url}/swr/auth/v2/registry/auth/?${query}`, {
      headers: { authorization: reader.basic },
    })
    expect(response.status).toBe(200)
    expect(lineOf(response)?.looked).toEqual(['push group/app: granted 1, needs 3'])
  })

  test('what is allowed has no such words in its line', async () => {
    const pulled = await registryClient(server, reader.basic).request('GET', '/v2/group/app/manifests/v1')
    expect(lineOf(pulled)).toMatchObject({ status: 200 })
    expect(lineOf(pulled)?.looked).toBeUndefined()
  })
})
