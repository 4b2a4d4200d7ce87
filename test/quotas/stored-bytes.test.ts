import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { deleteBlob } from '../../src/core/blobs/delete.ts'
import { mountBlob } from '../../src/core/blobs/mount.ts'
import { pushBlob } from '../../src/core/blobs/uploads.ts'
import type { Requester } from '../../src/core/caller.ts'
import { DomainError } from '../../src/core/errors.ts'
import { createOrganization } from '../../src/core/organizations/organizations.ts'
import { purgeRepository } from '../../src/core/repositories/purge/purge.ts'
import { deleteRepository } from '../../src/core/repositories/repositories.ts'
import { foldTotals, readTotals } from '../../src/core/totals.ts'
import { parseOrganizationName } from '../../src/protocol/manage/names.ts'
import { bodyOf, digestOf, graceMs, hourMs, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

type Step =
  | { kind: 'push' | 'delete-blob'; at: At; text: string }
  | { kind: 'mount'; at: At; from: At; text: string }
  | { kind: 'delete-repository'; at: At }
  | { kind: 'purge' | 'sweep' | 'fold' }

type At = { organization: 'group' | 'theirs'; repository: string }

const at = fc.record({
  organization: fc.constantFrom('group' as const, 'group' as const, 'theirs' as const),
  repository: fc.constantFrom('app', 'other'),
})
/** Of different sizes, so that figures tell them apart. */
const text = fc.constantFrom('1', '22', '4444')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('push' as const), at, text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('mount' as const), at, from: at, text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete-blob' as const), at, text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-repository' as const), at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('purge' as const, 'sweep' as const, 'fold' as const) }) },
)

describeEngines('stored bytes', (engine, open) => {
  test('of every account and repository are what a scan finds, whatever happens at once', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 2, maxLength: 6, size: 'max' }), {
        minLength: 3,
        maxLength: 8,
        size: 'max',
      }),
      async rounds => {
        const opened = await open()
        try {
          await using registry = await openTwoAccounts(opened)
          for (const steps of rounds) {
            await Promise.all(steps.map(each => registry.run(each)))
            expect(await registry.counted()).toEqual(await registry.found())
          }
        } finally {
          await opened.dispose()
        }
      },
    )
    await fc.assert(property, { endOnFailure: true, numRuns: engine === 'sqlite' ? 30 : 6 })
  }, 120_000)

  test('count a blob once, however many repositories of the account hold it, until the last lets it go', async () => {
    const opened = await open()
    await using registry = await openTwoAccounts(opened)
    const stored = async () => [...(await registry.counted())].filter(([owner]) => owner.startsWith('account:'))
    const [group, theirs] = [registry.owners.group, registry.owners.theirs]
    await registry.run({ kind: 'push', at: { organization: 'group', repository: 'app' }, text: '4444' })
    await registry.run({ kind: 'push', at: { organization: 'group', repository: 'other' }, text: '4444' })
    await registry.run({ kind: 'push', at: { organization: 'theirs', repository: 'app' }, text: '4444' })
    expect(await stored()).toEqual([
      [group, 4],
      [theirs, 4],
    ])
    await registry.run({ kind: 'delete-blob', at: { organization: 'group', repository: 'app' }, text: '4444' })
    expect(await stored()).toEqual([
      [group, 4],
      [theirs, 4],
    ])
    await registry.run({ kind: 'delete-repository', at: { organization: 'group', repository: 'other' } })
    // What is to be purged is stored as yet.
    expect(await stored()).toEqual([
      [group, 4],
      [theirs, 4],
    ])
    await registry.run({ kind: 'purge' })
    expect(await stored()).toEqual([[theirs, 4]])
    await opened.dispose()
  })
})

/** The organizations `group` and `theirs` of two accounts, and what may happen in them. */
async function openTwoAccounts({ db }: TestDatabase) {
  const registry = await openCoreRegistry(db)
  const { deps, by } = registry
  const them = await addAdministrator(db)
  const name = parseOrganizationName('theirs')
  if (name.kind === 'invalid') throw new Error(name.reason)
  await createOrganization(deps, them, name.name)
  const of = (place: At) => (place.organization === 'group' ? by : them)

  const run = async (each: Step): Promise<void> => {
    switch (each.kind) {
      case 'push':
        return pushBlob(deps, of(each.at), each.at, digestOf(each.text), bodyOf(each.text))
      case 'mount':
        return void (await mountBlob(deps, of(each.at), { to: each.at, from: each.from, digest: digestOf(each.text) }))
      case 'delete-blob':
        return deleteBlob(deps, of(each.at), each.at, digestOf(each.text))
      case 'delete-repository':
        return deleteRepository(deps, of(each.at), each.at)
      case 'purge': {
        const marked = await db.read
          .selectFrom('repositories')
          .select('id')
          .where('deleted_ms', 'is not', null)
          .execute()
        for (const { id } of marked) await purgeRepository(deps, id)
        return
      }
      case 'sweep':
        registry.passMs(graceMs + hourMs)
        return void (await registry.sweep())
      case 'fold':
        return void (await db.write(tx => foldTotals(tx, 5)))
    }
  }

  return {
    owners: { group: `account:${'a'.repeat(32)}`, theirs: `account:${'c'.repeat(32)}` },
    /** Does it, or is told that what it needs is not there. */
    run: (each: Step) =>
      run(each).catch(error => {
        if (!(error instanceof DomainError && error.code.endsWith('_unknown'))) throw error
      }),
    /** Bytes by owner, where there are any. */
    counted: async () => {
      const repositories = await db.read.selectFrom('repositories').select('id').execute()
      const accounts = await db.read.selectFrom('accounts').select('id').orderBy('id').execute()
      const owners = [
        ...accounts.map(({ id }) => `account:${id}` as const),
        ...repositories.map(({ id }) => `repository:${id}` as const),
      ]
      const totals = await readTotals(db.read, owners)
      return new Map(
        owners.map(owner => [owner as string, totals(owner, 'bytes')] as const).filter(([, sum]) => sum !== 0),
      )
    },
    found: async () => {
      const links = await db.read
        .selectFrom('blob_links as l')
        .innerJoin('repositories as r', 'r.id', 'l.repository_id')
        .innerJoin('blobs as b', 'b.digest', 'l.digest')
        .select(['r.id', 'r.account_id', 'l.digest', 'b.size_bytes'])
        .execute()
      const sizes = new Map<string, Map<string, number>>()
      for (const { id, account_id, digest, size_bytes } of links) {
        for (const owner of [`account:${account_id}`, `repository:${id}`]) {
          sizes.set(owner, (sizes.get(owner) ?? new Map()).set(digest.toHex(), size_bytes))
        }
      }
      return new Map(
        [...sizes].map(([owner, blobs]) => [owner, [...blobs.values()].reduce((sum, size) => sum + size, 0)]),
      )
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}

async function addAdministrator(db: TestDatabase['db']): Promise<Requester> {
  const [accountId, userId] = ['c'.repeat(32), 'd'.repeat(32)]
  await db.write(async tx => {
    await tx.insertInto('accounts').values({ id: accountId, name: 'THEIRS', created_ms: 0 }).execute()
    const user = { id: userId, account_id: accountId, name: 'other', password_hash: '', epoch: 1, created_ms: 0 }
    await tx
      .insertInto('users')
      .values({ ...user, role: 'te_admin', is_enabled: 1 })
      .execute()
  })
  return {
    caller: { kind: 'user', userId, userName: 'other', accountId, accountName: 'THEIRS', userEpoch: 1 },
    origin: { requestId: 'test', sourceAddress: '' },
  }
}
