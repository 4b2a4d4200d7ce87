import { expect, test } from 'bun:test'
import { existsSync, statSync } from 'node:fs'
import { waitUntil } from '../../acceptance/wait.ts'
import { openRaw } from '../http/raw.ts'
import { addPerson, grant } from '../people.ts'
import { createOrganization, startTestServer } from '../server.ts'
import { describeRegistry } from './describe-registry.ts'
import { digestOf } from './manifests-of-tests.ts'
import { type RegistryClient, registryClient, sha256 } from './registry-client.ts'

describeRegistry('uploads', (registry, engine) => {
  const start = async (client: RegistryClient, name: string, query = '') => {
    const answer = await client.request('POST', `/v2/${name}/blobs/uploads/${query}`)
    expect(answer.status).toBe(202)
    return answer.headers.get('location') ?? ''
  }
  const readBlob = async (name: string, digest: string) => {
    const answer = await registry.at.client.request('GET', `/v2/${name}/blobs/${digest}`)
    return answer.status === 200 ? answer.text() : answer.status
  }
  const rangeOf = async (location: string) => {
    const answer = await registry.at.client.request('GET', location)
    return answer.status === 204 ? answer.headers.get('range') : answer.status
  }

  test('a session is told by its path alone', async () => {
    const { client } = registry.at
    const answer = await client.request('POST', '/v2/group/told/blobs/uploads/')
    const location = answer.headers.get('location') ?? ''
    expect(location).toMatch(/^\/v2\/group\/told\/blobs\/uploads\/[0-9a-f-]{36}$/)
    expect(answer.headers.get('docker-upload-uuid')).toBe(location.slice(-36))
    expect(answer.headers.get('range')).toBe('0-0')
    const status = await client.request('GET', location)
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-0'])
    expect([status.headers.get('location'), status.headers.get('content-length')]).toEqual([location, null])
    const patched = await client.request('PATCH', location, { body: 'abc' })
    expect([patched.headers.get('location'), patched.headers.get('range')]).toEqual([location, '0-2'])
  })

  test('parameters that clients append with & or ? are understood or passed over', async () => {
    const { client } = registry.at
    const digest = sha256('appended')
    for (const close of [
      `&digest=${digest}`,
      `&_state=x&digest=${encodeURIComponent(digest)}`,
      `?x=y&digest=${digest}`,
    ]) {
      const location = await start(client, 'group/appended')
      expect((await client.request('PATCH', `${location}&_state=abc`, { body: 'appe' })).status).toBe(202)
      expect((await client.request('PATCH', `${location}?_state=abc`, { body: 'nded' })).status).toBe(202)
      expect([close, (await client.request('PUT', `${location}${close}`)).status]).toEqual([close, 201])
    }
    expect(await readBlob('group/appended', digest)).toBe('appended')
  })

  test('content under sha512 is pushed, pulled and deleted like any other', async () => {
    const { client } = registry.at
    const digest = digestOf('sha512', 'five twelve')
    const location = await start(client, 'group/sha512', '?digest-algorithm=sha512')
    await client.request('PATCH', location, { body: 'five ' })
    const closed = await client.request('PUT', `${location}?digest=${digest}`, { body: 'twelve' })
    expect([closed.status, closed.headers.get('docker-content-digest')]).toEqual([201, digest])
    expect(closed.headers.get('location')).toBe(`/v2/group/sha512/blobs/${digest}`)
    const pulled = await client.request('GET', `/v2/group/sha512/blobs/${digest}`)
    expect([await pulled.text(), pulled.headers.get('docker-content-digest')]).toEqual(['five twelve', digest])
    // The same content by its other name is other content.
    expect(await readBlob('group/sha512', sha256('five twelve'))).toBe(404)
    await client.pushBlob('group/sha512', 'five twelve')
    expect((await client.request('DELETE', `/v2/group/sha512/blobs/${digest}`)).status).toBe(202)
    expect(await readBlob('group/sha512', digest)).toBe(404)
    expect(await readBlob('group/sha512', sha256('five twelve'))).toBe('five twelve')
    const whole = await client.request('POST', `/v2/group/sha512/blobs/uploads/?digest=${digest}`, {
      body: 'five twelve',
    })
    expect(whole.status).toBe(201)
  })

  test('an upload may be closed by another algorithm than it announced', async () => {
    const { client } = registry.at
    for (const [announced, closing] of [
      ['sha512', 'sha256'],
      ['sha256', 'sha512'],
    ] as const) {
      const content = `announced as ${announced}`
      const location = await start(client, 'group/changed', `?digest-algorithm=${announced}`)
      await client.request('PATCH', location, { body: content.slice(0, 7) })
      await client.request('PATCH', location, { body: content.slice(7) })
      const digest = digestOf(closing, content)
      expect((await client.request('PUT', `${location}?digest=${digest}`)).status).toBe(201)
      expect(await readBlob('group/changed', digest)).toBe(content)
      const wrong = await start(client, 'group/changed', `?digest-algorithm=${announced}`)
      const refused = await client.request('PUT', `${wrong}?digest=${digest}`, { body: 'something else' })
      expect(refused.status).toBe(400)
    }
  })

  test('an algorithm or a digest that is none is 400, and the session goes on', async () => {
    const { client } = registry.at
    for (const algorithm of ['md5', 'sha384', 'SHA256', '']) {
      const refused = await client.request('POST', `/v2/group/bad/blobs/uploads/?digest-algorithm=${algorithm}`)
      expect([algorithm, refused.status]).toEqual([algorithm, 400])
      expect(await refused.text()).toContain('DIGEST_INVALID')
    }
    const location = await start(client, 'group/bad')
    for (const query of ['', '?digest=', '?digest=sha256:abc', `?digest=md5:${'0'.repeat(32)}`, '?digest=latest']) {
      const refused = await client.request('PUT', `${location}${query}`, { body: 'content' })
      expect([query, refused.status]).toEqual([query, 400])
      expect(await refused.text()).toContain('DIGEST_INVALID')
    }
    const digest = sha256('content')
    expect((await client.request('PUT', `${location}?digest=${digest}`, { body: 'content' })).status).toBe(201)
  })

  test('a last chunk that is out of order is 416 and changes nothing', async () => {
    const { client } = registry.at
    const location = await start(client, 'group/last')
    await client.request('PATCH', location, { headers: { 'content-range': '0-4' }, body: 'first' })
    const digest = sha256('first-last')
    for (const [range, body] of [
      ['0-4', '-last'],
      ['4-8', '-last'],
      ['6-10', '-last'],
      ['0-9', 'first-last'],
    ] as const) {
      const refused = await client.request('PUT', `${location}?digest=${digest}`, {
        headers: { 'content-range': range },
        body,
      })
      expect([range, refused.status]).toEqual([range, 416])
      expect([refused.headers.get('range'), refused.headers.get('location')]).toEqual(['0-4', location])
      expect(await rangeOf(location)).toBe('0-4')
    }
    const closed = await client.request('PUT', `${location}?digest=${digest}`, {
      headers: { 'content-range': '5-9' },
      body: '-last',
    })
    expect(closed.status).toBe(201)
    expect(await readBlob('group/last', digest)).toBe('first-last')
  })

  test('a chunk that is not as long as it says, or says nothing readable, leaves nothing', async () => {
    const { client } = registry.at
    const location = await start(client, 'group/lengths')
    await client.request('PATCH', location, { body: 'kept' })
    for (const range of ['4-4', '4-9', '4', '4-', 'bytes 4-6/7', '6-4', 'x-y']) {
      const refused = await client.request('PATCH', location, { headers: { 'content-range': range }, body: 'not' })
      expect([range, refused.status]).toEqual([range, 400])
      expect(await refused.text()).toContain('SIZE_INVALID')
      expect(await rangeOf(location)).toBe('0-3')
    }
    const empty = await client.request('PATCH', location, { headers: { 'content-range': '4-6' } })
    expect(empty.status).toBe(400)
    expect((await client.request('PUT', `${location}?digest=${sha256('kept')}`)).status).toBe(201)
  })

  test('a blob in one POST is published or leaves nothing', async () => {
    const { client } = registry.at
    const post = (digest: string, body: string) =>
      client.request('POST', `/v2/group/whole/blobs/uploads/?digest=${digest}`, { body })
    const pushed = await post(sha256('in one piece'), 'in one piece')
    expect([pushed.status, pushed.headers.get('location')]).toEqual([
      201,
      `/v2/group/whole/blobs/${sha256('in one piece')}`,
    ])
    expect((await post(sha256('in one piece'), 'in one piece')).status).toBe(201)
    const wrong = await post(sha256('expected'), 'found')
    expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('DIGEST_INVALID')])
    for (const text of ['expected', 'found']) expect(await readBlob('group/whole', sha256(text))).toBe(404)
    expect((await post('sha256:abc', 'x')).status).toBe(400)
  })

  test('a blob in one POST that is not as long as it says is refused, and nothing of it is there', async () => {
    const { client } = registry.at
    const text = 'of twenty-four bytes ...'
    // Of which the client knows no length.
    const streamed = () =>
      new ReadableStream({
        pull: controller => {
          controller.enqueue(new TextEncoder().encode(text))
          controller.close()
        },
      })
    for (const [range, body] of [
      ['0-22', text],
      ['0-24', text],
      ['0-22', streamed()],
      ['0-24', streamed()],
      ['1-24', streamed()],
    ] as const) {
      const headers = { 'content-range': range }
      const path = `/v2/group/misjudged/blobs/uploads/?digest=${sha256(text)}`
      const answer = await client.request('POST', path, { headers, body })
      expect([range, answer.status]).toEqual([range, 400])
      expect(await answer.text()).toContain('SIZE_INVALID')
      expect(await readBlob('group/misjudged', sha256(text))).toBe(404)
    }
  })

  test('a cancelled upload is gone with its bytes', async () => {
    const { client, server } = registry.at
    const location = await start(client, 'group/cancelled')
    await client.request('PATCH', location, { body: 'never mind' })
    const staged = `${server.dataDir}/uploads/${location.split('/').at(-1)}`
    expect(existsSync(staged)).toBe(true)
    const cancelled = await client.request('DELETE', location)
    expect([cancelled.status, await cancelled.text()]).toEqual([204, ''])
    expect(existsSync(staged)).toBe(false)
    for (const [method, path] of [
      ['GET', location],
      ['HEAD', location],
      ['PATCH', location],
      ['PUT', `${location}?digest=${sha256('never mind')}`],
      ['DELETE', location],
    ] as const) {
      const answer = await client.request(method, path)
      expect([method, answer.status]).toEqual([method, 404])
      expect(await answer.text()).toContain(method === 'HEAD' ? '' : 'BLOB_UPLOAD_UNKNOWN')
    }
    expect(await readBlob('group/cancelled', sha256('never mind'))).toBe(404)
  })

  test('an upload is its beginner’s alone', async () => {
    const { client, server } = registry.at
    const location = await start(client, 'group/owned')
    const person = await addPerson(server, 'another')
    await grant(server, person, 'group/owned', 7)
    const other = registryClient(server, person.basic)
    for (const [method, path] of [
      ['GET', location],
      ['PATCH', location],
      ['PUT', `${location}?digest=${sha256('')}`],
      ['DELETE', location],
    ] as const) {
      const answer = await other.request(method, path)
      expect([method, answer.status]).toEqual([method, 404])
      expect(await answer.text()).toContain('BLOB_UPLOAD_UNKNOWN')
    }
    expect((await client.request('PUT', `${location}?digest=${sha256('mine')}`, { body: 'mine' })).status).toBe(201)
  })

  test('two uploads of one content at once are both accepted, and it is kept once', async () => {
    const { client, server } = registry.at
    const content = 'twins '.repeat(100_000)
    const digest = sha256(content)
    const push = async (name: string) => {
      const location = await start(client, name)
      return (await client.request('PUT', `${location}?digest=${digest}`, { body: content })).status
    }
    expect(await Promise.all(['group/twin', 'group/twin', 'group/twin2'].map(push))).toEqual([201, 201, 201])
    const blobs = await server.database
      .selectFrom('blobs')
      .select('location')
      .where('size_bytes', '=', content.length)
      .execute()
    expect(blobs).toHaveLength(1)
    for (const name of ['group/twin', 'group/twin2']) expect(await readBlob(name, digest)).toBe(content)
  })

  test('an upload goes on after a restart, under either algorithm', async () => {
    const { client, server } = registry.at
    const digests = [sha256('before and after'), digestOf('sha512', 'before and after')]
    const locations: string[] = []
    for (const query of ['', '?digest-algorithm=sha512']) {
      const location = await start(client, 'group/restarted', query)
      await client.request('PATCH', location, { headers: { 'content-range': '0-6' }, body: 'before ' })
      locations.push(location)
    }
    await server.restart()
    for (const [index, location] of locations.entries()) {
      expect(await rangeOf(location)).toBe('0-6')
      const chunk = { headers: { 'content-range': '7-15' }, body: 'and after' }
      expect((await client.request('PATCH', location, chunk)).status).toBe(202)
      expect((await client.request('PUT', `${location}?digest=${digests[index]}`)).status).toBe(201)
      expect(await readBlob('group/restarted', digests[index] ?? '')).toBe('before and after')
    }
  })

  test('what came before a connection was cut is there after a restart, and the rest is taken', async () => {
    const { client, server } = registry.at
    const location = await start(client, 'group/cut-and-restarted')
    const content = 'abcdefghij'.repeat(200_000)
    const socket = openRaw(server.url)
    socket.on('error', () => {})
    socket.write(
      `PATCH ${location} HTTP/1.1\r\nHost: ${server.host}\r\nAuthorization: ${server.basic}\r\nContent-Length: ${content.length}\r\n\r\n`,
    )
    socket.write(content.slice(0, 1_500_000))
    const staged = `${server.dataDir}/uploads/${location.split('/').at(-1)}`
    await waitUntil(
      () => (statSync(staged, { throwIfNoEntry: false })?.size ?? 0) > 0,
      () => 'bytes are staged',
      5_000,
    )
    socket.resetAndDestroy()
    await server.restart()
    const range = await rangeOf(location)
    const offset = Number(String(range).split('-')[1]) + 1
    expect(offset).toBeGreaterThan(1)
    expect(offset).toBeLessThanOrEqual(1_500_000)
    const rest = { headers: { 'content-range': `${offset}-${content.length - 1}` }, body: content.slice(offset) }
    expect((await client.request('PATCH', location, rest)).status).toBe(202)
    const digest = sha256(content)
    expect((await client.request('PUT', `${location}?digest=${digest}`)).status).toBe(201)
    expect(await readBlob('group/cut-and-restarted', digest)).toBe(content)
  })

  test('an upload that nobody touches for its time is not there any more', async () => {
    let nowMs = Date.now()
    const clock = { nowMs: () => nowMs }
    const server = await startTestServer(engine, { STOWER_UPLOADS_EXPIRY: '10m' }, { clock })
    try {
      await createOrganization(server, 'group')
      const client = registryClient(server)
      const location = await start(client, 'group/forgotten')
      nowMs += 9 * 60_000
      expect((await client.request('PATCH', location, { body: 'still here' })).status).toBe(202)
      // Each byte begins the time anew.
      nowMs += 9 * 60_000
      expect((await client.request('GET', location)).status).toBe(204)
      nowMs += 2 * 60_000
      expect((await client.request('GET', location)).status).toBe(404)
      expect((await client.request('PATCH', location, { body: 'too late' })).status).toBe(404)
      expect((await client.request('PUT', `${location}?digest=${sha256('still here')}`)).status).toBe(404)
    } finally {
      await server.stop()
    }
  })
})
