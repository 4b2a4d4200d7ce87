import { afterAll, beforeAll, expect, test } from 'bun:test'
import { agencyView, overviewView, quotasView, reportView } from '../../src/protocol/manage/account.ts'
import { featureGatesView } from '../../src/protocol/manage/feature-gates.ts'
import { type RegistryClient, registryClient } from '../oci/registry-client.ts'
import { addAccount, addPerson, type Person } from '../people.ts'
import {
  createOrganization,
  credentials,
  describeServers,
  managementToken,
  startTestServer,
  type TestServer,
} from '../server.ts'

const mib = 1024 * 1024

describeServers('figures of an account', engine => {
  let server: TestServer
  let client: RegistryClient
  let foreigner: Person
  let person: Person
  let projectId: string
  const tokens = new Map<string, string>()

  beforeAll(async () => {
    server = await startTestServer(engine)
    client = registryClient(server)
    foreigner = await addAccount(server, 'OTC111')
    person = await addPerson(server, 'person')
    for (const name of ['group', 'other']) await createOrganization(server, name)
    tokens.set('admin', await managementToken(server))
    tokens.set('foreigner', await managementToken(server, { ...foreigner, user: foreigner.name }))
    tokens.set('person', await managementToken(server, { ...person, user: person.name }))
    const projects = await server.database
      .selectFrom('projects as p')
      .innerJoin('accounts as a', 'a.id', 'p.account_id')
      .select(['p.id', 'a.name'])
      .execute()
    projectId = projects.find(project => project.name === credentials.account)?.id ?? ''
  })
  afterAll(() => server.stop())

  async function ask(call: string, who = 'admin') {
    const [method = '', path = ''] = call.split(' ')
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'x-auth-token': tokens.get(who) ?? '' },
    })
    const text = await response.text()
    return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) }
  }

  async function overview(who = 'admin') {
    const { status, body } = await ask('GET /v2/manage/overview', who)
    expect(status).toBe(200)
    return overviewView.strict().parse(body)
  }

  async function report(type: string, path = '/v2/manage/reports') {
    const { status, body } = await ask(`GET ${path}/${type}/daily`)
    expect(status).toBe(200)
    return reportView.parse(body)
  }

  test('the overview counts organizations, repositories and tags, each blob once, and what pulls were served', async () => {
    const large = new Uint8Array(3 * mib)
    const digest = await client.pushBlob('group/app', large)
    await client.request('POST', `/v2/other/app/blobs/uploads/?mount=${digest}&from=group/app`)
    const small = await client.pushBlob('group/app', 'x'.repeat(mib / 2))
    const { body: manifest } = await client.pushImage('group/app', 'v1', [])
    await client.pushImage('group/app', 'v2', [])
    const config = manifest.length === 0 ? 0 : JSON.parse(manifest).config.size
    const before = await overview()
    expect(before).toMatchObject({
      ...{ domain_name: credentials.account, namspace_num: 2, repo_num: 2, image_num: 2, downflow_size: 0 },
      store_space: (3 * mib + mib / 2 + config) / mib,
    })

    const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      (await client.request(method, path, { headers })).arrayBuffer()
    await get(`/v2/group/app/blobs/${digest}`)
    await get(`/v2/group/app/blobs/${digest}`, { range: 'bytes=0-9' })
    await get(`/v2/group/app/blobs/${digest}`, { range: 'bytes=0-9,100-119' })
    await get('/v2/group/app/manifests/v1')
    // What describes content is no traffic.
    await get(`/v2/group/app/blobs/${digest}`, {}, 'HEAD')
    await get(`/v2/group/app/blobs/${small}`, { 'if-none-match': `"${small}"` })
    await get('/v2/group/app/manifests/v1', {}, 'HEAD')
    // What is counted is written at the latest when the server stops.
    await server.restart()
    client = registryClient(server)
    const served = 3 * mib + 10 + 30 + manifest.length
    expect(await overview()).toEqual({ ...before, downflow_size: served / mib })
    expect((await report('downflow')).at(-1)).toEqual({
      date: new Date().toISOString().slice(0, 10),
      value: served / mib,
    })
    expect((await report('store')).at(-1)?.value).toBe(before.store_space)
    expect(await overview('foreigner')).toMatchObject({
      ...{ domain_name: 'OTC111', namspace_num: 0, repo_num: 0, image_num: 0, store_space: 0, downflow_size: 0 },
    })
  })

  test('a deleted repository is no longer counted, nor are its tags, from the answer on', async () => {
    const before = await overview()
    await client.pushImage('group/gone', 'v1')
    expect(await overview()).toMatchObject({ repo_num: before.repo_num + 1, image_num: before.image_num + 1 })
    expect((await ask('DELETE /v2/manage/namespaces/group/repos/gone')).status).toBe(204)
    expect(await overview()).toMatchObject({ repo_num: before.repo_num, image_num: before.image_num })
  })

  test('a report is the last 30 days, oldest first, with and without /manage', async () => {
    for (const type of ['downflow', 'store']) {
      const days = await report(type)
      expect(days).toHaveLength(30)
      expect(days.map(each => each.date)).toEqual(days.map(each => each.date).toSorted())
      expect(new Set(days.slice(0, -1).map(each => each.value))).toEqual(new Set([0]))
      expect(await report(type, '/v2/reports')).toEqual(days)
    }
    for (const [path, status, code] of [
      ['/v2/manage/reports/downflow/hourly', 400, 'SVCSTG.SWR.4000014'],
      ['/v2/manage/reports/upflow/daily', 400, 'SVCSTG.SWR.4000014'],
    ] as const) {
      const refused = await ask(`GET ${path}`)
      expect([path, refused.status, refused.body.error_code]).toEqual([path, status, code])
    }
  })

  test('quotas without a limit say -1, and how many there are', async () => {
    const { status, body } = await ask(`GET /v2/manage/projects/${projectId}/quotas`)
    expect(status).toBe(200)
    const { repo_num } = await overview()
    expect(quotasView.strict().parse(body).quotas).toEqual([
      { quota_limit: -1, quota_key: 'namespace', unit: '', used: 2 },
      { quota_limit: -1, quota_key: 'repository', unit: '', used: repo_num },
    ])
    const ofOne = await ask(`GET /v2/manage/projects/${projectId}/quotas?namespace=group&repository=app`)
    expect(ofOne.body.quotas.at(-1)).toEqual({ quota_limit: -1, quota_key: 'tag', unit: '', used: 2 })
    const invisible = await ask(`GET /v2/manage/projects/${projectId}/quotas?namespace=group&repository=app`, 'person')
    expect([invisible.status, invisible.body.error_code]).toEqual([404, 'SVCSTG.SWR.4040058'])
  })

  test.each(['quotas', 'feature-gates'])('%s of another project, or of none, are 403 alike', async what => {
    const [theirs, nothing] = await Promise.all([
      ask(`GET /v2/manage/projects/${projectId}/${what}`, 'foreigner'),
      ask(`GET /v2/manage/projects/${'0'.repeat(32)}/${what}`, 'foreigner'),
    ])
    for (const refused of [theirs, nothing]) {
      expect([refused.status, refused.body.error_code]).toEqual([403, 'SVCSTG.SWR.4039001'])
    }
    expect(theirs.body.error_msg).toBe(nothing.body.error_msg)
  })

  test('feature gates have every key, and are on where the server speaks what they stand for', async () => {
    const { status, body } = await ask(`GET /v2/manage/projects/${projectId}/feature-gates`, 'person')
    expect(status).toBe(200)
    const gates = featureGatesView.strict().parse(body)
    expect(gates).toMatchObject({ enable_image_quota: true, enable_experience: false, swr_util_download_url: '' })
    const probes = [
      ['enable_list_v3', 'GET /v3/manage/repos'],
      ['enable_authorization_token', 'POST /v2/manage/utils/authorizationtoken'],
      ['enable_customize_validity_period', 'POST /v2/manage/utils/secret'],
      ['enable_cosign_signature', 'GET /v2/manage/namespaces/group/repos/app/v1/accessories'],
      ['enable_image_sync', 'GET /v2/manage/namespaces/group/repos/app/sync_repo'],
    ] as const
    for (const [gate, call] of probes) {
      const answer = await ask(call)
      const isSpoken = answer.body?.error_code !== 'SVCSTG.SWR.4040083'
      expect([gate, gates[gate]]).toEqual([gate, isSpoken])
    }
  })

  test('an agency is authorized once, by an administrator, for the own account, and for good', async () => {
    const show = async (who: string) => agencyView.strict().parse((await ask('GET /v2/manage/agency', who)).body)
    const domain = (await overview()).domain_id
    expect(await show('person')).toEqual({ domain_id: domain, is_agency: false })
    const denied = await ask('POST /v2/manage/agency', 'person')
    expect([denied.status, denied.body.error_code]).toEqual([403, 'SVCSTG.SWR.4037017'])
    const made = await ask('POST /v2/manage/agency')
    expect([made.status, made.text]).toEqual([204, ''])
    await server.restart()
    client = registryClient(server)
    expect(await show('person')).toEqual({ domain_id: domain, is_agency: true })
    expect(await show('foreigner')).toMatchObject({ is_agency: false })
    const again = await ask('POST /v2/manage/agency')
    expect([again.status, again.body.error_code]).toEqual([409, 'SVCSTG.SWR.4090089'])
    const events = await server.database
      .selectFrom('events')
      .select('kind')
      .where('kind', 'like', 'account.agency%')
      .execute()
    expect(events).toHaveLength(1)
  })
})
