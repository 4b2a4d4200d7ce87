import { afterAll, beforeAll, expect, test } from 'bun:test'
import { deriveLoginKey } from '../../src/protocol/auth/login-key.ts'
import { registryClient } from '../oci/registry-client.ts'
import { addAccount } from '../people.ts'
import { createOrganization, credentials, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type Wire, wireOf } from './wire.ts'

describeServers('users, keys and roles by the paths of IAM', engine => {
  let server: TestServer
  let wire: Wire
  let admin: string
  let domainId: string
  let projectId: string
  beforeAll(async () => {
    server = await startTestServer(engine)
    wire = wireOf(server)
    admin = (await wire.logIn(credentials.user, credentials.password)) ?? ''
    domainId = (await wire.ask(admin, 'GET /v3/auth/domains')).body.domains[0].id
    projectId = (await wire.ask(admin, 'GET /v3/projects?name=eu-de')).body.projects[0].id
    await createOrganization(server, 'group')
    await registryClient(server).pushImage('group/app', 'v1')
  })
  afterAll(() => server.stop())

  const basic = (name: string, password: string) => `Basic ${btoa(`${name}:${password}`)}`
  const dockerStatus = async (name: string, password: string) =>
    (await registryClient(server, basic(name, password)).request('GET', '/v2/')).status

  test('opentelekomcloud_identity_user_v3: create, read with its extended fields, update, delete', async () => {
    const made = await wire.ask(admin, 'POST /v3/users', {
      user: { name: 'tf-otc', domain_id: domainId, enabled: true, password: 'first password 1' },
    })
    expect(made.status).toBe(201)
    const { id } = made.body.user
    expect(made.body.user).toMatchObject({ name: 'tf-otc', domain_id: domainId, enabled: true })
    // The provider reads the extended fields with an update of nothing.
    const set = await wire.ask(admin, `PUT /v3.0/OS-USER/users/${id}`, { user: { email: 'tf@example.org' } })
    expect([set.status, set.body.user.email]).toEqual([200, 'tf@example.org'])
    const first = await wire.logIn('tf-otc', 'first password 1')
    const read = await wire.ask(admin, `GET /v3/users/${id}`)
    expect([read.status, read.body.user.name]).toEqual([200, 'tf-otc'])
    const extended = await wire.ask(admin, `PUT /v3.0/OS-USER/users/${id}`, { user: {} })
    expect([extended.status, extended.body.user.email]).toEqual([200, 'tf@example.org'])
    expect((await wire.ask(first, 'GET /v3/auth/catalog')).status).toBe(200)

    const renamed = await wire.ask(admin, `PATCH /v3/users/${id}`, { user: { name: 'tf-otc-2', enabled: false } })
    expect([renamed.status, renamed.body.user]).toMatchObject([200, { id, name: 'tf-otc-2', enabled: false }])
    expect((await wire.ask(first, 'GET /v3/auth/catalog')).status).toBe(401)
    expect(await wire.logIn('tf-otc-2', 'first password 1')).toBeUndefined()
    await wire.ask(admin, `PATCH /v3/users/${id}`, { user: { enabled: true, password: 'second password 2' } })
    expect(await wire.logIn('tf-otc-2', 'first password 1')).toBeUndefined()
    expect(await wire.logIn('tf-otc-2', 'second password 2')).toBeString()

    expect((await wire.ask(admin, `DELETE /v3/users/${id}`)).status).toBe(204)
    expect((await wire.ask(admin, `GET /v3/users/${id}`)).status).toBe(404)
    expect(await wire.logIn('tf-otc-2', 'second password 2')).toBeUndefined()
  })

  test('huaweicloud_identity_user: everything it writes is read back, and what it leaves out stays', async () => {
    const written = {
      description: 'made by a test',
      email: 'hw@example.org',
      phone: '123456789',
      areacode: '0049',
      access_mode: 'default',
      pwd_status: true,
      xuser_id: 'outside-1',
      xuser_type: 'TenantIdp',
    }
    const made = await wire.ask(admin, 'POST /v3.0/OS-USER/users', {
      user: { name: 'tf-hw', domain_id: domainId, enabled: true, password: 'a password 1', ...written },
    })
    expect(made.status).toBe(201)
    const { id } = made.body.user
    const read = await wire.ask(admin, `GET /v3.0/OS-USER/users/${id}`)
    expect(read.body.user).toMatchObject({ id, name: 'tf-hw', enabled: true, domain_id: domainId, ...written })
    expect(read.body.user.create_time).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(read.text).not.toMatch(/a password|argon2/)

    const changed = await wire.ask(admin, `PUT /v3.0/OS-USER/users/${id}`, { user: { description: '', phone: '1' } })
    expect(changed.body.user).toMatchObject({ ...written, description: '', phone: '1' })
    expect((await wire.ask(admin, `DELETE /v3/users/${id}`)).status).toBe(204)
    expect((await wire.ask(admin, `GET /v3.0/OS-USER/users/${id}`)).status).toBe(404)
  })

  test('identity_credential: the secret is shown once, the key logs in until it is inactive, and again, and is deleted', async () => {
    const made = await wire.ask(admin, 'POST /v3/users', { user: { name: 'keyholder' } })
    const userId = made.body.user.id
    const key = await wire.ask(admin, 'POST /v3.0/OS-CREDENTIAL/credentials', {
      credential: { user_id: userId, description: 'for ci' },
    })
    expect(key.status).toBe(201)
    const { access, secret, ...shown } = key.body.credential
    expect(shown).toMatchObject({ user_id: userId, description: 'for ci', status: 'active' })
    const path = `/v3.0/OS-CREDENTIAL/credentials/${access}`
    const login = [`${credentials.project}@${access}`, deriveLoginKey(access, secret)] as const
    expect(await dockerStatus(...login)).toBe(200)

    const read = await wire.ask(admin, `GET ${path}`)
    expect(read.body).toEqual({ credential: { access, ...shown } })
    expect((await wire.ask(admin, `GET /v3.0/OS-CREDENTIAL/credentials?user_id=${userId}`)).body).toEqual({
      credentials: [{ access, ...shown }],
    })
    const off = await wire.ask(admin, `PUT ${path}`, { credential: { status: 'inactive' } })
    expect([off.status, off.body.credential]).toMatchObject([200, { status: 'inactive', description: 'for ci' }])
    expect(await dockerStatus(...login)).toBe(401)
    const on = await wire.ask(admin, `PUT ${path}`, { credential: { status: 'active', description: '' } })
    expect(on.body.credential).toMatchObject({ status: 'active', description: '' })
    expect(await dockerStatus(...login)).toBe(200)
    expect((await wire.ask(admin, `DELETE ${path}`)).status).toBe(204)
    expect((await wire.ask(admin, `GET ${path}`)).status).toBe(404)
    expect(await dockerStatus(...login)).toBe(401)
  })

  test('identity_role_assignment_v3: on domain and project, read back, in force at once, taken back', async () => {
    const made = await wire.ask(admin, 'POST /v3/users', { user: { name: 'assignee', password: 'a password 2' } })
    const userId = made.body.user.id
    const token = await wire.logIn('assignee', 'a password 2')
    const mayCreate = async (name: string) =>
      (await wire.ask(token, 'POST /v2/manage/namespaces', { namespace: name })).status
    expect(await mayCreate('assigned-1')).toBe(403)
    const listed = await wire.ask(admin, 'GET /v3/roles?display_name=SWR%20OperateAccess')
    const [role] = listed.body.roles
    expect(role).toMatchObject({ name: 'SWR OperateAccess', display_name: 'SWR OperateAccess' })
    expect((await wire.ask(admin, `GET /v3/roles/${role.id}`)).body.role).toEqual(role)

    for (const place of [`domains/${domainId}`, `projects/${projectId}`]) {
      const roles = `/v3/${place}/users/${userId}/roles`
      expect((await wire.ask(admin, `PUT ${roles}/${role.id}`)).status).toBe(204)
      expect((await wire.ask(admin, `PUT ${roles}/${role.id}`)).status).toBe(204)
      expect((await wire.ask(admin, `GET ${roles}`)).body.roles).toEqual([role])
      expect((await wire.ask(admin, `HEAD ${roles}/${role.id}`)).status).toBe(204)
      expect(await mayCreate(`assigned-${place.split('/')[0]}`)).toBe(201)
      expect((await wire.ask(admin, `DELETE ${roles}/${role.id}`)).status).toBe(204)
      expect((await wire.ask(admin, `DELETE ${roles}/${role.id}`)).status).toBe(404)
      expect((await wire.ask(admin, `GET ${roles}`)).body.roles).toEqual([])
      expect((await wire.ask(admin, `HEAD ${roles}/${role.id}`)).status).toBe(404)
      expect(await mayCreate('assigned-no-more')).toBe(403)
    }
    await wire.ask(admin, `PUT /v3/domains/${domainId}/users/${userId}/roles/0`)
    await wire.ask(admin, `PUT /v3/projects/${projectId}/users/${userId}/roles/3`)
    expect((await wire.ask(admin, `GET /v3/role_assignments?user.id=${userId}`)).body.role_assignments).toEqual([
      { role: { id: '3' }, user: { id: userId }, scope: { project: { id: projectId } } },
      { role: { id: '0' }, user: { id: userId }, scope: { domain: { id: domainId } } },
    ])
    const shown = await wire.ask(token, 'POST /v3/auth/tokens', {
      auth: { identity: { methods: ['token'], token: { id: token } } },
    })
    // Of several the strongest counts.
    expect(shown.body.token.roles).toEqual([{ id: '0', name: 'te_admin' }])
  })

  test('a user by keys alone can’t log in with the password, and one of the console not with a key', async () => {
    const made = await wire.ask(admin, 'POST /v3.0/OS-USER/users', {
      user: { name: 'robot', password: 'a password 3', access_mode: 'programmatic' },
    })
    const userId = made.body.user.id
    const key = await wire.ask(admin, 'POST /v3.0/OS-CREDENTIAL/credentials', { credential: { user_id: userId } })
    const { access, secret } = key.body.credential
    const byKey = () => dockerStatus(`${credentials.project}@${access}`, deriveLoginKey(access, secret))
    expect(await wire.logIn('robot', 'a password 3')).toBeUndefined()
    expect([await dockerStatus('robot', 'a password 3'), await byKey()]).toEqual([401, 200])
    await wire.ask(admin, `PUT /v3.0/OS-USER/users/${userId}`, { user: { access_mode: 'console' } })
    expect(await wire.logIn('robot', 'a password 3')).toBeString()
    expect([await dockerStatus('robot', 'a password 3'), await byKey()]).toEqual([200, 401])
    await wire.ask(admin, `PUT /v3.0/OS-USER/users/${userId}`, { user: { access_mode: 'default' } })
    expect([await dockerStatus('robot', 'a password 3'), await byKey()]).toEqual([200, 200])
  })

  test('a user changes its own password by the old one, which is guarded as a login is', async () => {
    const made = await wire.ask(admin, 'POST /v3/users', { user: { name: 'changer', password: 'old password' } })
    const path = `/v3/users/${made.body.user.id}/password`
    const token = await wire.logIn('changer', 'old password')
    const change = (original_password: string, by = token) =>
      wire.ask(by, `POST ${path}`, { user: { original_password, password: 'new password' } })
    expect((await change('wrong')).status).toBe(401)
    expect((await change('old password', admin)).status).toBe(403)
    expect((await change('old password')).status).toBe(204)
    expect((await wire.ask(token, 'GET /v3/auth/catalog')).status).toBe(401)
    expect(await wire.logIn('changer', 'old password')).toBeUndefined()
    const fresh = await wire.logIn('changer', 'new password')
    for (let time = 0; time < 10; time++) await change(`wrong ${time}`, fresh)
    const refused = await change('new password', fresh)
    expect([refused.status, refused.body.error.message]).toEqual([403, 'Not allow to login, upload or download image'])
  })

  test('a deleted user leaves its organizations behind, and a new one of its name inherits nothing', async () => {
    const make = async () => {
      const user = { name: 'phoenix', password: 'a password 4' }
      return (await wire.ask(admin, 'POST /v3/users', { user })).body.user.id as string
    }
    const first = await make()
    await wire.ask(admin, `PUT /v3/domains/${domainId}/users/${first}/roles/2`)
    const token = await wire.logIn('phoenix', 'a password 4')
    expect((await wire.ask(token, 'POST /v2/manage/namespaces', { namespace: 'ashes' })).status).toBe(201)
    // A login with an end goes with the user, too.
    expect((await wire.ask(token, 'POST /v2/manage/utils/secret')).status).toBe(200)
    await wire.ask(admin, 'POST /v2/manage/namespaces/group/access', [
      { user_id: first, user_name: 'phoenix', auth: 7 },
    ])
    const twice = await wire.ask(admin, 'POST /v3/users', { user: { name: 'phoenix' } })
    expect(twice.status).toBe(409)
    expect((await wire.ask(admin, `DELETE /v3/users/${first}`)).status).toBe(204)
    expect((await wire.ask(token, 'GET /v2/manage/namespaces')).status).toBe(401)
    expect((await wire.ask(admin, 'GET /v2/manage/namespaces/ashes')).body.creator_name).toBe('phoenix')

    const second = await make()
    const again = await wire.logIn('phoenix', 'a password 4')
    expect((await wire.ask(again, 'GET /v2/manage/namespaces')).body.namespaces).toEqual([])
    expect((await wire.ask(again, 'GET /v2/manage/namespaces/group')).status).toBe(404)
    expect((await wire.ask(admin, `GET /v3/role_assignments?user.id=${second}`)).body.role_assignments).toEqual([])
  })

  test('an administrator takes the own office from nobody but others', async () => {
    const { body } = await wire.ask(admin, `GET /v3/users?name=${credentials.user}`)
    const own = body.users[0].id
    for (const [call, sent] of [
      [`DELETE /v3/users/${own}`],
      [`PATCH /v3/users/${own}`, { user: { enabled: false } }],
      [`PUT /v3.0/OS-USER/users/${own}`, { user: { access_mode: 'programmatic' } }],
      [`DELETE /v3/domains/${domainId}/users/${own}/roles/0`],
    ] as const) {
      expect([call, (await wire.ask(admin, call, sent)).status]).toEqual([call, 403])
    }
    expect((await wire.ask(admin, `GET /v3/users/${own}`)).body.user.enabled).toBe(true)
  })

  test('a user is made in the own domain only', async () => {
    const other = await addAccount(server, 'OTC777')
    const foreign = await wire.logIn(other.name, other.password, 'OTC777')
    const { body } = await wire.ask(foreign, 'GET /v3/auth/domains')
    const user = { name: 'stray', domain_id: body.domains[0].id }
    expect((await wire.ask(admin, 'POST /v3/users', { user })).status).toBe(403)
    expect((await wire.ask(admin, 'GET /v3/users?name=stray')).body.users).toEqual([])
  })

  test.each([
    ['no user', {}],
    ['an empty name', { user: { name: '' } }],
    ['a name with a slash', { user: { name: 'a/b' } }],
    ['a password over two lines', { user: { name: 'x', password: 'canary\npassword' } }],
    ['an unknown way to log in', { user: { name: 'x', access_mode: 'telepathy' } }],
    ['a number for a description', { user: { name: 'x', description: 7 } }],
    ['a description that is too long', { user: { name: 'x', description: 'x'.repeat(256) } }],
  ])('%s is 400, and what came is not repeated', async (_what, body) => {
    const refused = await wire.ask(admin, 'POST /v3/users', body)
    expect(refused.status).toBe(400)
    expect(refused.text).not.toContain('canary')
  })

  test('clients of Keystone find the API at its root', async () => {
    for (const path of ['/iam', '/iam/']) {
      const { status, body } = await wire.ask(undefined, `GET ${path}`)
      expect([status, body.versions.values[0]]).toMatchObject([
        200,
        { id: 'v3.14', status: 'stable', links: [{ rel: 'self', href: expect.stringContaining('/v3/') }] },
      ])
    }
  })

  test('an administrator looks at and revokes the tokens of the account, and of no other', async () => {
    const made = await wire.ask(admin, 'POST /v3/users', { user: { name: 'watched', password: 'a password 5' } })
    const token = (await wire.logIn('watched', 'a password 5')) ?? ''
    const askAbout = (by: string, subject: string, method = 'GET') =>
      fetch(`${server.url}/v3/auth/tokens`, { method, headers: { 'x-auth-token': by, 'x-subject-token': subject } })
    const seen = await askAbout(admin, token)
    const body = (await seen.json()) as { token: { user: { id: string } } }
    expect([seen.status, body.token.user.id]).toEqual([200, made.body.user.id])
    expect((await askAbout(token, admin)).status).toBe(404)
    const other = await addAccount(server, 'OTC778')
    const foreign = (await wire.logIn(other.name, other.password, 'OTC778')) ?? ''
    expect([(await askAbout(admin, foreign)).status, (await askAbout(foreign, token)).status]).toEqual([404, 404])
    expect((await askAbout(admin, token, 'DELETE')).status).toBe(204)
    expect((await wire.ask(token, 'GET /v3/auth/catalog')).status).toBe(401)
  })
})
