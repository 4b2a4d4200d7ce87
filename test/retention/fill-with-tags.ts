import { sql } from 'kysely'
import type { CoreRegistry } from '../core-registry.ts'
import type { Images } from './images.ts'

/**
 * Gives a repository the tags `v0`, `v1`, … of one image, the last one the newest, as if each had been pushed a millisecond
 * after the one before; those that are there are left.
 */
export async function fillWithTags(registry: CoreRegistry, images: Images, repository: string, count: number) {
  await images.push(repository, 'v0')
  const id = await images.repositoryId(repository)
  const nowMs = registry.deps.clock.nowMs()
  await registry.deps.db.write(async tx => {
    await sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count - 1})
      select repository_id, 'v' || n, digest, created_ms, cast(${nowMs} as bigint) + n from tags, numbers
      where repository_id = ${id} and name = 'v0'
      on conflict do nothing`.execute(tx)
  })
  registry.passMs(count)
}
