import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { retag } from '../../src/core/manifests/retag.ts'
import type { Database } from '../../src/metadata/database.ts'
import { type Digest, digestFromBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, indexOf, manifestOf, openCoreRegistry, placeOf } from '../core-registry.ts'
import { openPostgresForTest, type TestDatabase } from '../databases.ts'
import { commandsInOrder } from '../in-order.ts'
import { postgresPrograms } from '../postgres-server.ts'

/*
 * The removal of an image beside each command that names its manifest or what goes with it, on two connections, in both
 * orders: the one that comes second begins while the first has done its work and not yet committed.
 */

const describePostgres = postgresPrograms() ? describe : describe.skip
describePostgres(`removals beside pushes on PostgreSQL${postgresPrograms() ? '' : ' (needs postgresql-15)'}`, () => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let image: string
  let digest: Digest
  beforeEach(async () => {
    opened = await openPostgresForTest()
    registry = await openCoreRegistry(opened.db)
    image = manifestOf([await registry.push('app', 'layer')], 'image')
    digest = await registry.pushDocument('app', 'v1', image)
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const remove = (through: Database) => registry.removeImage('app', 'v1', through)
  /** What became of a command. */
  const outcome = (done: Promise<unknown>) =>
    done.then(
      () => 'done',
      error => String(error.code),
    )
  const both = async (
    first: (through: Database) => Promise<unknown>,
    second: (through: Database) => Promise<unknown>,
  ) =>
    commandsInOrder(
      opened.db,
      through => outcome(first(through)),
      () => outcome(second(opened.db)),
    )
  const stateNow = async () => {
    const { read } = opened.db
    const tags = await read.selectFrom('tags').select('name').orderBy('name').execute()
    const manifests = await read.selectFrom('manifests').select('digest').execute()
    const totals = await read
      .selectFrom('total_deltas')
      .select('delta')
      .where('metric', '=', 'tags')
      .where('owner', 'like', 'repository:%')
      .execute()
    expect(totals.reduce((sum, row) => sum + row.delta, 0)).toBe(tags.length)
    return { tags: tags.map(row => row.name), manifests: manifests.map(row => digestFromBytes(row.digest)).toSorted() }
  }

  const pushAgain = (through: Database) => registry.pushDocument('app', 'v2', image, through)

  test('a push of another tag first: the manifest stays', async () => {
    expect(await both(pushAgain, remove)).toEqual(['done', 'done'])
    expect(await stateNow()).toEqual({ tags: ['v2'], manifests: [digest] })
  })

  test('the removal first: the push brings the manifest anew', async () => {
    expect(await both(remove, pushAgain)).toEqual(['done', 'done'])
    expect(await stateNow()).toEqual({ tags: ['v2'], manifests: [digest] })
  })

  const pushIndex = (through: Database) => registry.pushDocument('app', 'index', indexOf([digest]), through)

  test('a push of an index first: what it names stays', async () => {
    expect(await both(pushIndex, remove)).toEqual(['done', 'done'])
    expect((await stateNow()).manifests).toContain(digest)
  })

  test('the removal first: the index learns that what it names is missing', async () => {
    expect(await both(remove, pushIndex)).toEqual(['done', 'manifest_reference_missing'])
    expect(await stateNow()).toEqual({ tags: [], manifests: [] })
  })

  const pushReferrer = (through: Database) =>
    registry.pushDocument(
      'app',
      undefined,
      JSON.stringify({ ...JSON.parse(image), subject: { mediaType: 'x/y', digest, size: 1 } }),
      through,
    )

  test('a push of a referrer first: it goes with its image', async () => {
    expect(await both(pushReferrer, remove)).toEqual(['done', 'done'])
    expect(await stateNow()).toEqual({ tags: [], manifests: [] })
  })

  test('the removal first: the referrer waits for its subject, as one that comes before it', async () => {
    expect(await both(remove, pushReferrer)).toEqual(['done', 'done'])
    expect((await stateNow()).manifests).toHaveLength(1)
  })

  const removeOther = (through: Database) => registry.removeImage('app', 'v2', through)

  test('of two removals the last takes the manifest', async () => {
    await registry.pushDocument('app', 'v2', image)
    expect(await both(remove, removeOther)).toEqual(['done', 'done'])
    expect(await stateNow()).toEqual({ tags: [], manifests: [] })
  })

  test('of two removals of one tag the second is told that it is gone', async () => {
    expect(await both(remove, remove)).toEqual(['done', 'tag_unknown'])
  })

  const retagTo = (destination: string) => (through: Database) =>
    retag({ ...registry.deps, db: through }, registry.by, placeOf('app'), {
      ...{ source: 'v1', destination, override: false },
    })

  test('a tag made from the image’s first: the manifest stays', async () => {
    expect(await both(retagTo('copy'), remove)).toEqual(['done', 'done'])
    expect(await stateNow()).toEqual({ tags: ['copy'], manifests: [digest] })
  })

  test('the removal first: there is nothing to make a tag from', async () => {
    expect(await both(remove, retagTo('copy'))).toEqual(['done', 'tag_unknown'])
    expect(await stateNow()).toEqual({ tags: [], manifests: [] })
  })

  test('of two that make the same tag the second is told that it is there', async () => {
    expect(await both(retagTo('copy'), retagTo('copy'))).toEqual(['done', 'tag_exists'])
    expect(await both(retagTo('pushed'), through => registry.pushDocument('app', 'pushed', image, through))).toEqual([
      'done',
      'done',
    ])
    expect((await stateNow()).tags).toEqual(['copy', 'pushed', 'v1'])
  })

  const deleteByDigest = () => registry.deleteManifest('app', digest)

  test('a deletion by digest that waits for the removal finds nothing', async () => {
    expect(await both(remove, deleteByDigest)).toEqual(['done', 'manifest_unknown'])
    expect(await stateNow()).toEqual({ tags: [], manifests: [] })
  })
})
