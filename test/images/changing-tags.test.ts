import { expect, test } from 'bun:test'
import { describeRegistry } from '../oci/describe-registry.ts'
import { digestOf, imageOf, indexOf, putManifest } from '../oci/manifests-of-tests.ts'
import { manage } from './manage-client.ts'

const config = '{"of":"changing tags"}'
const [one, other] = ['one', 'other'].map(text => imageOf(config, [], { annotations: { text } })) as [string, string]

describeRegistry('tags that the management API changes', registry => {
  let round = 0
  /** A fresh repository in which `one` is tagged v1 and `other` v2; asks below it. */
  const prepare = async () => {
    round += 1
    const name = `group/r${round}`
    const { client, server } = registry.at
    await client.pushBlob(name, config)
    await putManifest(client, `${name}:v1`, one)
    await putManifest(client, `${name}:v2`, other)
    const { body } = await manage(server, `GET /group/repos/r${round}`)
    return {
      name,
      id: body.id as number,
      ask: (method: string, path: string, body?: unknown) =>
        manage(server, `${method} /group/repos/r${round}${path}`, body),
    }
  }
  const digestAt = async (name: string, reference: string) => {
    const answer = await registry.at.client.request('HEAD', `/v2/${name}/manifests/${reference}`)
    return answer.status === 200 ? answer.headers.get('docker-content-digest') : answer.status
  }

  test('are made without a push, for whatever a tag names', async () => {
    const { name, ask } = await prepare()
    await putManifest(registry.at.client, `${name}:index`, indexOf([one]))
    for (const [source_tag, digest] of [
      ['v1', digestOf('sha256', one)],
      ['index', digestOf('sha256', indexOf([one]))],
    ] as const) {
      const made = await ask('POST', '/tags', { source_tag, destination_tag: `copy-${source_tag}` })
      expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '{}', 'application/json'])
      expect(await digestAt(name, `copy-${source_tag}`)).toBe(digest)
    }
    expect((await ask('GET', '')).body.num_images).toBe(5)
    expect((await ask('GET', '/tags')).headers.get('content-range')).toBe('0-5/5')
  })

  test('are moved only where the request says so', async () => {
    const { name, ask, id } = await prepare()
    for (const body of [
      { source_tag: 'v1', destination_tag: 'v2' },
      { source_tag: 'v1', destination_tag: 'v2', override: false },
      { source_tag: 'v1', destination_tag: 'v2', override: null },
      { source_tag: 'v1', destination_tag: 'v1' },
    ]) {
      const refused = await ask('POST', '/tags', body)
      expect([refused.status, refused.code]).toEqual([409, '4090006'])
    }
    expect(await digestAt(name, 'v2')).toBe(digestOf('sha256', other))
    const moved = await ask('POST', '/tags', { source_tag: 'v1', destination_tag: 'v2', override: true })
    expect([moved.status, moved.text]).toEqual([201, '{}'])
    expect(await digestAt(name, 'v2')).toBe(digestOf('sha256', one))
    expect((await ask('GET', '')).body.num_images).toBe(2)
    // What was there before stays, untagged, as after a push.
    expect(await digestAt(name, digestOf('sha256', other))).toBe(digestOf('sha256', other))
    const rows = await registry.at.server.database
      .selectFrom('tag_history')
      .selectAll()
      .where('repository_id', '=', id)
      .where('tag', '=', 'v2')
      .orderBy('id')
      .execute()
    expect(rows.map(row => [row.digest_before === null, row.actor_name])).toEqual([
      [true, 'user1'],
      [false, 'user1'],
    ])
  })

  test('leave the same history, events, totals and times as a push', async () => {
    const traces: unknown[] = []
    for (const way of ['push', 'retag'] as const) {
      const { name, ask, id } = await prepare()
      const before = await traceOf(id)
      if (way === 'push') await putManifest(registry.at.client, `${name}:v3`, one)
      else await ask('POST', '/tags', { source_tag: 'v1', destination_tag: 'v3' })
      const after = await traceOf(id)
      traces.push({
        history: after.history.slice(before.history.length),
        events: after.events.slice(before.events.length),
        totals: after.totals.slice(before.totals.length),
        isTouched: after.updatedMs >= before.updatedMs,
      })
    }
    expect(traces[1]).toEqual(traces[0])
    expect(traces[0]).toMatchObject({ history: [{ tag: 'v3' }], totals: [{ metric: 'tags', delta: 1 }] })
  })

  async function traceOf(id: number) {
    const { database } = registry.at.server
    const repository = `group/r${round}`
    const events = await database
      .selectFrom('events')
      .select(['kind', 'actor_id', 'account_id', 'digest_before', 'digest_after', 'detail'])
      .where('repository_id', '=', id)
      .orderBy('id')
      .execute()
    return {
      history: await database
        .selectFrom('tag_history')
        .select(['tag', 'digest_before', 'digest_after', 'actor_id', 'actor_name'])
        .where('repository_id', '=', id)
        .orderBy('id')
        .execute(),
      events: events.map(event => ({ ...event, detail: event.detail.replace(repository, 'group/r') })),
      totals: await database
        .selectFrom('total_deltas')
        .select(['metric', 'delta'])
        .where('owner', '=', `repository:${id}`)
        .orderBy('id')
        .execute(),
      updatedMs: (
        await database.selectFrom('repositories').select('updated_ms').where('id', '=', id).executeTakeFirstOrThrow()
      ).updated_ms,
    }
  }

  test.each([
    [{ source_tag: 'v3', destination_tag: 'v4' }, 404, '4040048'],
    [{ source_tag: 'v3', destination_tag: 'v1' }, 404, '4040048'],
    [{ destination_tag: 'v4' }, 400, '4001014'],
    [{ source_tag: 'v1' }, 400, '4001014'],
    [{ source_tag: 'v1', destination_tag: '-v' }, 400, '4009021'],
    [{ source_tag: 'a b', destination_tag: 'v4' }, 400, '4009021'],
    [{ source_tag: 'v1', destination_tag: 'v'.repeat(129) }, 400, '4009021'],
    [{ source_tag: 1, destination_tag: 'v4' }, 400, '4000014'],
    [{ source_tag: 'v1', destination_tag: 'v4', override: 'true' }, 400, '4000014'],
    ['not an object', 400, '4000014'],
  ])('%j is refused with %d %s', async (body, status, code) => {
    const { ask } = await prepare()
    const refused = await ask('POST', '/tags', body)
    expect([refused.status, refused.code]).toEqual([status, code])
    expect((await ask('GET', '')).body.num_images).toBe(2)
  })

  test('are removed with their manifest, its signatures and its children, and nothing else', async () => {
    const { name, ask } = await prepare()
    const { client } = registry.at
    const child = imageOf(config, [], { annotations: { text: 'child' } })
    const index = indexOf([child, one])
    const signature = imageOf(config, [], { annotations: { text: 'signature' } })
    const digest = digestOf('sha256', index)
    const subject = { mediaType: JSON.parse(index).mediaType, digest, size: index.length }
    const sbom = imageOf(config, [], { annotations: { text: 'sbom' }, subject })
    await putManifest(client, `${name}@${digestOf('sha256', child)}`, child)
    await putManifest(client, `${name}:multi`, index)
    await putManifest(client, `${name}:${digest.replace(':', '-')}.sig`, signature)
    await putManifest(client, `${name}@${digestOf('sha256', sbom)}`, sbom)
    const removed = await ask('DELETE', '/tags/multi')
    expect([removed.status, removed.text]).toEqual([204, ''])
    for (const gone of [index, child, signature, sbom]) expect(await digestAt(name, digestOf('sha256', gone))).toBe(404)
    expect(await digestAt(name, 'v1')).toBe(digestOf('sha256', one))
    expect((await ask('GET', '/tags')).body.map((item: { Tag: string }) => item.Tag)).toEqual(['v1', 'v2'])
    expect((await ask('GET', '')).body.num_images).toBe(2)
    const again = await ask('DELETE', '/tags/multi')
    expect([again.status, again.code]).toEqual([404, '4040048'])
    expect((await manage(registry.at.server, 'DELETE /group/repos/nothing/tags/v1')).code).toBe('4040010')
  })

  test('are gone for a client that pulled them a moment ago', async () => {
    const { name, ask } = await prepare()
    expect(await digestAt(name, 'v1')).toBe(digestOf('sha256', one))
    await ask('DELETE', '/tags/v1')
    expect([await digestAt(name, 'v1'), await digestAt(name, digestOf('sha256', one))]).toEqual([404, 404])
    await putManifest(registry.at.client, `${name}:v1`, one)
    expect(await digestAt(name, 'v1')).toBe(digestOf('sha256', one))
  })
})
