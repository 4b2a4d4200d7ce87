import type { Access } from '../../src/core/access/access.ts'
import type { UserCaller } from '../../src/core/caller.ts'
import type { Clock } from '../../src/core/clock.ts'
import { readDailyReport } from '../../src/core/quotas/days/report.ts'
import { readOverview } from '../../src/core/quotas/overview.ts'
import { listRepositoriesAfter } from '../../src/core/repositories/list/list-after.ts'
import { listRepositories, type RepositoryQuery } from '../../src/core/repositories/list/list-repositories.ts'
import { getRepository } from '../../src/core/repositories/repositories.ts'
import { listTags } from '../../src/core/tags/commands.ts'
import type { Database } from '../../src/metadata/database.ts'
import { account, administrator, reader, type Size } from './fill.ts'

/** One question of the management API, as core answers it. `mostMs`: what is promised of it. */
export type Case = { name: string; mostMs?: number; ask: (deps: Deps) => Promise<unknown> }

type Deps = { db: Database; access: Access; clock: Clock }

const page = { limit: 100, filter: {}, order: { by: 'organization', direction: 'asc' } } as const

export function casesOf({ repositories }: Size): Case[] {
  const list = (
    name: string,
    query: Partial<RepositoryQuery>,
    more: { mostMs?: number; userId?: string } = {},
  ): Case => ({
    name,
    ...(more.mostMs !== undefined && { mostMs: more.mostMs }),
    ask: deps => listRepositories(deps, callerOf(more.userId), { ...page, from: { offset: 0 }, ...query }),
  })
  const deep = { offset: Math.min(10_000, Math.floor(repositories / 2)) }
  const ordered = (by: RepositoryQuery['order']['by'], direction: 'asc' | 'desc' = 'asc') => ({
    order: { by, direction },
  })
  return [
    { name: 'overview', mostMs: 5, ask: deps => readOverview(deps, callerOf()) },
    { name: 'report of a month', mostMs: 5, ask: deps => readDailyReport(deps, callerOf(), 'downflow') },
    list('list', {}, { mostMs: 20 }),
    list(`list, offset ${deep.offset}`, { from: deep }, { mostMs: 20 }),
    list('list, offset nine tenths', { from: { offset: Math.floor(repositories * 0.9) } }),
    list('list, of who holds few grants', {}, { userId: reader, mostMs: 20 }),
    {
      name: 'list, by marker from the middle',
      mostMs: 20,
      ask: deps =>
        listRepositoriesAfter(deps, callerOf(), { filter: {}, limit: 100, after: Math.floor(repositories / 2) }),
    },
    list('list of an organization', { filter: { organization: 'small-0500' } }, { mostMs: 20 }),
    list(`list by name, offset ${deep.offset}`, { ...ordered('name'), from: deep }, { mostMs: 20 }),
    list('list by time, newest first', ordered('updated', 'desc'), { mostMs: 20 }),
    list(`list by time, offset ${deep.offset}`, { ...ordered('updated', 'desc'), from: deep }, { mostMs: 20 }),
    list('list of the public', { filter: { isPublic: true } }),
    list('list of a category', { filter: { category: 'linux' } }),
    list('list, a part of a name that few have', { filter: { nameContains: 'service-4321' } }),
    list('list, a part of a name that all have', { filter: { nameContains: 'service' } }),
    list('list, two letters', { filter: { nameContains: '77' } }),
    list('list by visibility', ordered('public')),
    list('list of an organization by number of tags', { filter: { organization: 'small-0500' }, ...ordered('tags') }),
    {
      name: 'one repository',
      mostMs: 5,
      ask: deps => getRepository(deps, callerOf(), { organization: 'large', repository: 'team-1/service-1' }),
    },
    {
      name: 'tags of a repository, as clients of the registry list them',
      mostMs: 5,
      ask: deps =>
        listTags(
          deps,
          callerOf(),
          { organization: 'large', repository: 'team-1/service-1' },
          { after: undefined, size: 100 },
        ),
    },
  ]
}

function callerOf(userId: string = administrator): UserCaller {
  return { kind: 'user', userId, userName: userId, accountId: account, accountName: 'scale', userEpoch: 1 }
}
