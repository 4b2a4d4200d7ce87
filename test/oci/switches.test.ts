import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { operations } from '../../src/surfaces/manage/surface.ts'
import { stower } from '../cli/command-line.ts'
import { keepSeven } from '../manage/matrix.ts'
import { createOrganization, managementToken, startTestServer, type TestServer } from '../server.ts'
import { describeRegistry, type TestRegistry } from './describe-registry.ts'
import { digestOf, errorsOf, imageOf, putManifest } from './manifests-of-tests.ts'
import { dockerToken, registryClient } from './registry-client.ts'

const reason = 'moving to new disks until 14:00'
const config = '{"of":"switches"}'
const image = (text: string) => imageOf(config, [], { annotations: { text } })
const [current, next] = [image('current'), image('next')] as const
const currentDigest = digestOf('sha256', current)
/** Bodies of the calls to the management API, by their methods. */
const managed: Record<string, object> = {
  PATCH: { description: 'x' },
  // Each takes its own fields, and passes over the others.
  POST: { source_tag: 'tagged', destination_tag: 'tagged', override: true, ...keepSeven },
}
const refused = { oci: ['DENIED', 'UNSUPPORTED'], manage: ['SVCSTG.SWR.4031033', 'SVCSTG.SWR.4031033'] } as const

/** Calls with what they answer: always, while read-only, where nothing is deleted, and with both. */
const calls: [surface: 'oci' | 'manage', call: string, statuses: [number, number, number, number]][] = [
  ['oci', 'DELETE manifests/tagged', [202, 403, 405, 403]],
  ['oci', `DELETE manifests/${currentDigest}`, [202, 403, 405, 403]],
  ['oci', `DELETE blobs/${digestOf('sha256', 'free')}`, [202, 403, 405, 403]],
  ['oci', 'PUT manifests/tagged', [201, 403, 201, 403]],
  ['oci', `PUT manifests/${digestOf('sha256', next)}?tag=tagged&tag=new`, [201, 403, 201, 403]],
  ['oci', 'POST blobs/uploads/', [202, 403, 202, 403]],
  ['oci', `POST blobs/uploads/?digest=${digestOf('sha256', '')}`, [201, 403, 201, 403]],
  ['oci', `POST blobs/uploads/?mount=${digestOf('sha256', 'free')}&from=group/source`, [201, 403, 201, 403]],
  ['oci', 'PATCH <upload>', [202, 403, 202, 403]],
  ['oci', `PUT <upload>?digest=${digestOf('sha256', '')}`, [201, 403, 201, 403]],
  ['oci', 'DELETE <upload>', [204, 403, 204, 403]],
  ['oci', 'GET manifests/tagged', [200, 200, 200, 200]],
  ['oci', `HEAD manifests/${currentDigest}`, [200, 200, 200, 200]],
  ['oci', `GET blobs/${digestOf('sha256', 'free')}`, [200, 200, 200, 200]],
  ['oci', 'GET tags/list', [200, 200, 200, 200]],
  ['oci', `GET referrers/${currentDigest}`, [200, 200, 200, 200]],
  ['manage', 'DELETE /namespaces/group/repos/work', [204, 403, 403, 403]],
  ['manage', 'DELETE /namespaces/empty', [204, 403, 204, 403]],
  ['manage', 'DELETE /namespaces/group/repos/work/tags/tagged', [204, 403, 403, 403]],
  ['manage', 'POST /namespaces/group/repos/work/tags', [201, 403, 201, 403]],
  ['manage', 'GET /namespaces/group/repos/work/tags/tagged', [200, 200, 200, 200]],
  ['manage', 'PATCH /namespaces/group/repos/work', [201, 403, 201, 403]],
  ['manage', 'GET /namespaces/group/repos/work', [200, 200, 200, 200]],
  ['manage', 'POST /namespaces/group/repos/work/retentions', [201, 403, 403, 403]],
  ['manage', 'GET /namespaces/group/repos/work/retentions', [200, 200, 200, 200]],
  ['manage', 'GET /namespaces', [200, 200, 200, 200]],
  ['manage', 'GET /repos', [200, 200, 200, 200]],
]

for (const deletesContent of [true, false]) {
  const title = deletesContent ? 'a registry that deletes' : 'a registry that deletes nothing'
  const settings = { STOWER_DELETE_ENABLED: String(deletesContent) }
  describeRegistry(title, registry => describeCalls(registry, deletesContent), settings)
}

function describeCalls(registry: TestRegistry, deletesContent: boolean): void {
  const manage = async (call: string, body?: object) => {
    const [method = '', path = ''] = call.split(' ')
    return fetch(`${registry.at.server.url}/v2/manage${path}`, {
      method,
      headers: { 'x-auth-token': await managementToken(registry.at.server), 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  }
  const ask = (surface: 'oci' | 'manage', call: string, upload: string) => {
    if (surface === 'manage') return manage(call, managed[call.split(' ')[0] ?? ''])
    const [method = '', path = ''] = call.replace('<upload>', upload).split(' ')
    const isManifest = path.startsWith('manifests/') && method === 'PUT'
    return registry.at.client.request(method, path.startsWith('/') ? path : `/v2/group/work/${path}`, {
      ...(isManifest && { headers: { 'content-type': JSON.parse(next).mediaType }, body: next }),
      ...(!isManifest && (method === 'POST' || method === 'PATCH' || method === 'PUT') && { body: '' }),
    })
  }
  const refusalOf = async (answer: Response) => {
    const text = await answer.text()
    const body = text === '' ? {} : JSON.parse(text)
    const [error] = body.errors ?? []
    return { code: error?.code ?? body.error_code, message: error?.message ?? body.error_msg }
  }
  let upload = ''

  /** Everything the calls are about, made anew where one of them took it away. */
  const prepare = async () => {
    const { client, server } = registry.at
    await createOrganization(server, 'empty').catch(() => {})
    for (const content of ['free', config]) await client.pushBlob('group/work', content)
    await client.pushBlob('group/source', 'free')
    await putManifest(client, 'group/work:tagged', current)
    upload = (await client.request('POST', '/v2/group/work/blobs/uploads/')).headers.get('location') ?? ''
  }

  test.each(calls)('%s %s', async (surface, call, [always, , whenKept]) => {
    await prepare()
    const answer = await ask(surface, call, upload)
    const expected = deletesContent ? always : whenKept
    expect(answer.status).toBe(expected)
    if (expected < 400) return
    expect(await refusalOf(answer)).toEqual({ code: refused[surface][1], message: 'this registry deletes nothing' })
    if (expected === 405) expect(answer.headers.get('allow')).not.toContain('DELETE')
  })

  describe('while it is read-only', () => {
    beforeAll(async () => {
      await prepare()
      expect(await registry.stower('maintenance', 'show')).toBe('changes are taken\n')
      await registry.stower('maintenance', 'on', '--reason', reason)
    })
    afterAll(async () => {
      expect(await registry.stower('maintenance', 'show')).toMatch(/^read-only since 20.*: moving to new disks/)
      expect(await registry.stower('maintenance', 'off')).toBe('maintenance is over\n')
      expect(await registry.stower('maintenance', 'off')).toBe('there was no maintenance\n')
      await registry.at.client.pushBlob('group/work', 'after it')
    })

    test.each(calls)('%s %s', async (surface, call, [, readOnly, , both]) => {
      const answer = await ask(surface, call, upload)
      const expected = deletesContent ? readOnly : both
      expect(answer.status).toBe(expected)
      if (expected < 400) return
      const message = `the registry is read-only: ${reason}`
      expect(await refusalOf(answer)).toEqual({ code: refused[surface][0], message })
    })

    const bodies: Record<string, object> = {
      'organization.create': { namespace: 'fresh' },
      'repository.create': { repository: 'fresh', is_public: false },
      'repository.update': { is_public: true },
      'repository.share': { access_domain: 'OTC111', permit: 'read', deadline: 'forever' },
      'repository.change-share': { permit: 'read', deadline: 'forever' },
      'tag.create': { source_tag: 'tagged', destination_tag: 'new' },
      'retention.create': keepSeven,
      'retention.update': keepSeven,
    }
    test('every operation of the management API that changes something is refused', async () => {
      const grant = [{ user_id: '0'.repeat(32), user_name: 'x', auth: 7 }]
      for (const { method, path, route } of operations.filter(operation => operation.method !== 'GET')) {
        // Logins go on.
        if (route.startsWith('login.')) continue
        const place = path.replace(':organization', 'group').replace(':repository', 'work').replace(':tag', 'tagged')
        const body = bodies[route] ?? (route.endsWith('revoke') ? ['0'.repeat(32)] : grant)
        const answer = await manage(`${method} ${place}`, body)
        expect([route, answer.status, (await refusalOf(answer)).code]).toEqual([route, 403, refused.manage[0]])
      }
    })

    test('a docker token holds the scope all the same, so that its user is told the reason', async () => {
      const token = await dockerToken(registry.at.server, [
        'repository:group/work:pull,push,delete',
        'repository:group/not-yet:pull,push',
      ])
      const client = registryClient(registry.at.server, token)
      for (const [method, path] of [
        ['POST', '/v2/group/work/blobs/uploads/'],
        ['DELETE', '/v2/group/work/manifests/tagged'],
        ['POST', '/v2/group/not-yet/blobs/uploads/'],
      ] as const) {
        const answer = await client.request(method, path)
        expect([answer.status, await errorsOf(answer)]).toEqual([403, [['DENIED', undefined]]])
      }
      expect((await client.request('GET', '/v2/group/work/manifests/tagged')).status).toBe(200)
    })

    test('who has no right is told nothing else than ever', async () => {
      const nobody = registryClient(registry.at.server, '')
      expect((await nobody.request('POST', '/v2/group/work/blobs/uploads/')).status).toBe(401)
      expect((await registry.at.client.request('POST', '/v2/nowhere/work/blobs/uploads/')).status).toBe(404)
    })
  })
}

describeRegistry('maintenance', registry => {
  test('that begins while the last bytes of an upload come is there at its end, and the upload goes on after it', async () => {
    const { client, server } = registry.at
    const location = (await client.request('POST', '/v2/group/under-way/blobs/uploads/')).headers.get('location')
    const digest = digestOf('sha256', 'first half, second half')
    const patched = await client.request('PATCH', location ?? '', { body: 'first half, ' })
    expect(patched.status).toBe(202)
    let sendRest = () => {}
    const rest = new Promise<void>(resolve => {
      sendRest = resolve
    })
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('second '))
        await rest
        controller.enqueue(new TextEncoder().encode('half'))
        controller.close()
      },
    })
    const closing = fetch(`${server.url}${location}?digest=${digest}`, {
      method: 'PUT',
      headers: { authorization: server.basic },
      body,
    })
    await registry.stower('maintenance', 'on', '--reason', reason)
    sendRest()
    expect((await closing).status).toBe(403)
    expect((await client.request('GET', `/v2/group/under-way/blobs/${digest}`)).status).toBe(404)
    await registry.stower('maintenance', 'off')
    const offset = (await client.request('GET', location ?? '')).headers.get('range')
    expect(offset).toBe('0-11')
    const closed = await client.request('PUT', `${location}?digest=${digest}`, { body: 'second half' })
    expect(closed.status).toBe(201)
  })

  test('is told of in events, and a restored backup has none', async () => {
    await registry.stower('maintenance', 'on', '--reason', 'for a backup')
    const folder = mkdtempSync(join(tmpdir(), 'stower-maintenance-'))
    try {
      await registry.stower('backup', join(folder, 'backup'))
      const env = { STOWER_DATA_DIR: join(folder, 'restored') }
      expect((await stower(['restore', join(folder, 'backup')], { env })).code).toBe(0)
      expect((await stower(['maintenance', 'show'], { env })).out).toBe('changes are taken\n')
    } finally {
      rmSync(folder, { recursive: true, force: true })
      await registry.stower('maintenance', 'off')
    }
    const events = await registry.at.server.database
      .selectFrom('events')
      .select(['kind', 'detail'])
      .where('kind', 'like', 'maintenance.%')
      .orderBy('id', 'desc')
      .limit(2)
      .execute()
    expect(events.map(event => [event.kind, JSON.parse(event.detail)])).toEqual([
      ['maintenance.ended', {}],
      ['maintenance.began', { reason: 'for a backup' }],
    ])
    await expect(registry.stower('maintenance', 'on')).rejects.toThrow('--reason is needed')
    await expect(registry.stower('maintenance', 'on', '--reason', 'two\nlines')).rejects.toThrow('one line')
  })
})

test('jobs that delete content wait until maintenance is over, and others go on', async () => {
  let passedMs = 0
  const clock = { nowMs: () => Date.now() + passedMs }
  const server = await startTestServer('sqlite', {}, { clock, lookForJobsEveryMs: 20 })
  try {
    await createOrganization(server, 'group')
    const client = registryClient(server)
    expect((await client.request('POST', '/v2/group/abandoned/blobs/uploads/')).status).toBe(202)
    await client.pushBlob('group/abandoned', 'counted')
    const rowsOf = async (table: 'upload_sessions' | 'total_deltas') =>
      (await server.database.selectFrom(table).selectAll().execute()).length
    const env = { STOWER_DATA_DIR: server.dataDir }
    expect((await stower(['maintenance', 'on', '--reason', reason], { env })).code).toBe(0)
    passedMs = 48 * 3_600_000
    // Both are due now; that the totals are folded shows that the worker has looked, and it takes the oldest first.
    await until(async () => (await rowsOf('total_deltas')) === 0)
    const before = await server.database
      .selectFrom('jobs')
      .select('run_at_ms')
      .where('kind', '=', 'uploads.expire')
      .execute()
    expect(before.every(job => job.run_at_ms < clock.nowMs())).toBe(true)
    expect(await rowsOf('upload_sessions')).toBe(1)
    expect((await stower(['maintenance', 'off'], { env })).code).toBe(0)
    await until(async () => (await rowsOf('upload_sessions')) === 0)
  } finally {
    await server.stop()
  }
})

/** Asks again until it is so, for at most ten seconds. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error('not so in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

describe('a registry that is read-only by its settings', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer('sqlite', { STOWER_READ_ONLY: 'true', STOWER_READ_ONLY_REASON: reason })
  })
  afterAll(() => server.stop())

  test('lets log in and refuses changes with the reason', async () => {
    await expect(createOrganization(server, 'group')).rejects.toThrow(reason)
    await expect(createOrganization(server, 'group')).rejects.toThrow('403')
    expect((await registryClient(server).request('GET', '/v2/')).status).toBe(200)
  })
})

describeRegistry(
  'a registry that deletes blobs in use',
  registry => {
    test('takes them away, and holds them again when they come back', async () => {
      const { client } = registry.at
      await client.pushBlob('group/in-use', config)
      await putManifest(client, 'group/in-use:v1', current)
      const path = `/v2/group/in-use/blobs/${digestOf('sha256', config)}`
      const held = async () =>
        (
          await registry.at.server.database
            .selectFrom('manifest_blobs')
            .select('held_digest')
            .where('held_digest', 'is not', null)
            .execute()
        ).length
      expect(await held()).toBe(1)
      expect((await client.request('DELETE', path)).status).toBe(202)
      expect((await client.request('DELETE', path)).status).toBe(404)
      expect((await client.request('GET', path)).status).toBe(404)
      expect((await client.request('GET', '/v2/group/in-use/manifests/v1')).status).toBe(200)
      expect(await held()).toBe(0)
      await client.pushBlob('group/in-use', config)
      expect(await held()).toBe(1)
      expect((await client.request('GET', path)).status).toBe(200)
    })
  },
  { STOWER_DELETE_BLOBS_IN_USE: 'true' },
)
