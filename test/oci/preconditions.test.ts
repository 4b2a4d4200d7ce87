import { expect, test } from 'bun:test'
import { describeRegistry } from './describe-registry.ts'
import { digestOf, errorsOf, imageOf, putManifest } from './manifests-of-tests.ts'

describeRegistry('conditional requests on manifests', registry => {
  const config = '{"of":"preconditions"}'
  const image = (text: string) => imageOf(config, [], { annotations: { text } })
  const tagOf = (digest: string) => `"${digest}"`
  const [old, now, next] = [image('old'), image('now'), image('next')] as const
  const [oldTag, nowTag] = [tagOf(digestOf('sha256', old)), tagOf(digestOf('sha256', now))] as const
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    registry.at.client.request(method, `/v2/${path}`, { headers })
  const digestAt = async (name: string, tag: string) =>
    (await ask('HEAD', `${name}/manifests/${tag}`, {})).headers.get('docker-content-digest')

  /** `old` under its digest, `now` under its digest and the tag `v1`. */
  const prepare = async (name: string) => {
    await registry.at.client.pushBlob(name, config)
    await putManifest(registry.at.client, `${name}@${digestOf('sha256', old)}`, old)
    await putManifest(registry.at.client, `${name}:v1`, now)
  }

  const conditions: [headers: Record<string, string>, onTag: number, onMissingTag: number][] = [
    [{ 'if-match': nowTag }, 201, 412],
    [{ 'if-match': `${oldTag}, ${nowTag}` }, 201, 412],
    [{ 'if-match': '*' }, 201, 412],
    [{ 'if-match': oldTag }, 412, 412],
    [{ 'if-match': `W/${nowTag}` }, 412, 412],
    [{ 'if-none-match': '*' }, 412, 201],
    [{ 'if-none-match': nowTag }, 412, 201],
    [{ 'if-none-match': `W/${nowTag}` }, 412, 201],
    [{ 'if-none-match': oldTag }, 201, 201],
    [{ 'if-match': nowTag, 'if-none-match': oldTag }, 201, 412],
  ]

  test('PUT by tag goes ahead or is 412 and changes nothing', async () => {
    await prepare('group/put')
    for (const [headers, onTag, onMissingTag] of conditions) {
      await putManifest(registry.at.client, 'group/put:v1', now)
      await ask('DELETE', 'group/put/manifests/fresh', {})
      await ask('DELETE', `group/put/manifests/${digestOf('sha256', next)}`, {})
      const moved = await putManifest(registry.at.client, 'group/put:v1', next, headers)
      expect([headers, moved.status]).toEqual([headers, onTag])
      if (moved.status === 412) {
        expect(moved.headers.get('etag')).toBe(nowTag)
        expect(await errorsOf(moved)).toEqual([['DENIED', undefined]])
        expect((await ask('GET', `group/put/manifests/${digestOf('sha256', next)}`, {})).status).toBe(404)
      }
      expect(await digestAt('group/put', 'v1')).toBe(digestOf('sha256', onTag === 201 ? next : now))
      const made = await putManifest(registry.at.client, 'group/put:fresh', next, headers)
      expect([headers, made.status]).toEqual([headers, onMissingTag])
      expect(await digestAt('group/put', 'fresh')).toBe(onMissingTag === 201 ? digestOf('sha256', next) : null)
    }
  })

  test('PUT by digest looks at the manifest', async () => {
    await prepare('group/by-digest')
    const put = (body: string, headers: Record<string, string>) =>
      putManifest(registry.at.client, `group/by-digest@${digestOf('sha256', body)}?tag=moved`, body, headers)
    expect((await put(next, { 'if-match': '*' })).status).toBe(412)
    expect((await put(old, { 'if-none-match': '*' })).status).toBe(412)
    expect(await digestAt('group/by-digest', 'moved')).toBeNull()
    expect((await put(next, { 'if-none-match': '*' })).status).toBe(201)
    expect((await put(old, { 'if-match': oldTag })).status).toBe(201)
    expect(await digestAt('group/by-digest', 'moved')).toBe(digestOf('sha256', old))
  })

  test('DELETE by tag and by digest goes ahead or is 412 and changes nothing; what is not there is 404', async () => {
    await prepare('group/delete')
    const digest = digestOf('sha256', now)
    for (const [reference, headers, status] of [
      ['absent', { 'if-match': '*' }, 404],
      ['v1', { 'if-match': oldTag }, 412],
      ['v1', { 'if-match': `W/${nowTag}` }, 412],
      ['v1', { 'if-none-match': '*' }, 412],
      [digest, { 'if-match': oldTag }, 412],
      [digest, { 'if-none-match': nowTag }, 412],
      [digestOf('sha256', next), { 'if-match': '*' }, 404],
    ] as const) {
      const refused = await ask('DELETE', `group/delete/manifests/${reference}`, headers)
      expect([reference, headers, refused.status]).toEqual([reference, headers, status])
      expect(await digestAt('group/delete', 'v1')).toBe(digest)
    }
    expect((await ask('DELETE', 'group/delete/manifests/v1', { 'if-match': nowTag })).status).toBe(202)
    expect((await ask('GET', `group/delete/manifests/${digest}`, {})).status).toBe(200)
    expect((await ask('DELETE', `group/delete/manifests/${digest}`, { 'if-match': nowTag })).status).toBe(202)
    expect((await ask('GET', `group/delete/manifests/${digest}`, {})).status).toBe(404)
  })

  test('of fifty that make one tag at once exactly one wins, and of fifty that swap it, too', async () => {
    await registry.at.client.pushBlob('group/races', config)
    const bodies = Array.from({ length: 50 }, (_, number) => image(`raced ${number}`))
    const winnerOf = async (headers: Record<string, string>) => {
      const answers = await Promise.all(
        bodies.map(body => putManifest(registry.at.client, 'group/races:v1', body, headers)),
      )
      expect(answers.map(answer => answer.status).toSorted()).toEqual([201, ...Array(49).fill(412)])
      const winner = bodies[answers.findIndex(answer => answer.status === 201)] ?? ''
      expect(await digestAt('group/races', 'v1')).toBe(digestOf('sha256', winner))
      return digestOf('sha256', winner)
    }
    const first = await winnerOf({ 'if-none-match': '*' })
    // The one that is there already would be swapped for itself again and again.
    bodies.splice(0, bodies.length, ...bodies.map(body => `${body}\n`))
    await winnerOf({ 'if-match': tagOf(first) })
  })

  test('of fifty that delete one tag if it is unchanged exactly one does', async () => {
    await prepare('group/deletes')
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask('DELETE', 'group/deletes/manifests/v1', { 'if-match': nowTag })),
    )
    expect(answers.map(answer => answer.status).toSorted()).toEqual([202, ...Array(49).fill(404)])
  })

  test('a tag that is moved while it is to be deleted is deleted as it was, or not at all', async () => {
    await prepare('group/moved')
    for (let round = 0; round < 20; round++) {
      await putManifest(registry.at.client, 'group/moved:v1', now)
      const [deleted] = await Promise.all([
        ask('DELETE', 'group/moved/manifests/v1', { 'if-match': nowTag }),
        putManifest(registry.at.client, 'group/moved:v1', next),
      ])
      expect([202, 412]).toContain(deleted.status)
      expect(await digestAt('group/moved', 'v1')).toBe(digestOf('sha256', next))
    }
  })

  test('GET and HEAD answer 304 to who has it, with the headers of 200 but no body', async () => {
    await prepare('group/read')
    for (const reference of ['v1', digestOf('sha256', now)]) {
      for (const method of ['GET', 'HEAD']) {
        for (const [header, status] of [
          [nowTag, 304],
          [`W/${nowTag}`, 304],
          [`${oldTag}, ${nowTag}`, 304],
          ['*', 304],
          [oldTag, 200],
          [`W/${oldTag}, "x"`, 200],
        ] as const) {
          const answer = await ask(method, `group/read/manifests/${reference}`, { 'if-none-match': header })
          expect([method, header, answer.status]).toEqual([method, header, status])
          expect([answer.headers.get('etag'), answer.headers.get('docker-content-digest')]).toEqual([
            nowTag,
            digestOf('sha256', now),
          ])
          expect(await answer.text()).toBe(method === 'GET' && status === 200 ? now : '')
        }
      }
    }
    expect((await ask('GET', 'group/read/manifests/absent', { 'if-none-match': '*' })).status).toBe(404)
  })
})
