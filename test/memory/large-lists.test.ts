import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { sql } from 'kysely'
import { memoryBytes, processTree } from '../../bench/processes.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { bearerToken, insertOrganization } from '../crash/organization.ts'
import { ociImage, registryClient } from '../oci/registry-client.ts'
import { credentials } from '../server.ts'
import { launch, temporaryFolder } from '../start/program.ts'

const tags = 100_000
const repositories = 5_000
const pageSize = 1_000
const mib = 1024 * 1024

test(`lists over ${tags} tags and ${repositories} repositories, again and again, do not grow the process`, async () => {
  using folder = temporaryFolder()
  await using program = launch({
    dataDir: folder.path,
    env: { STOWER_INIT_USER: credentials.user, STOWER_INIT_PASSWORD: credentials.password },
  })
  const url = await program.serving
  await insertOrganization({ dataDir: folder.path }, 'many')
  const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
  await registryClient({ url, basic }).pushImage('many/tags', 'v000000')
  await insertMany(join(folder.path, 'stower.db'))
  const authorization = await bearerToken(url, ['many/tags'])

  const tagPages = () => pageThrough(`${url}/v2/many/tags/tags/list?n=${pageSize}`, authorization)
  const catalogPages = () => pageThrough(`${url}/v2/_catalog?n=${pageSize}`, basic)
  // The first rounds fill what is kept for good: compiled statements, the pages of the database.
  for (let round = 0; round < 10; round++) {
    expect(await tagPages()).toBe(tags)
    expect(await catalogPages()).toBe(repositories)
  }
  const server = processTree(program.pid).at(-1) ?? program.pid
  const before = memoryBytes(server, 'VmRSS')
  for (let round = 0; round < 40; round++) await Promise.all([tagPages(), catalogPages()])
  const grownBytes = memoryBytes(server, 'VmRSS') - before
  // Were the pages kept, it would be some 100 MiB.
  expect(grownBytes).toBeLessThan(32 * mib)
  expect(memoryBytes(server, 'VmRSS')).toBeLessThan(200 * mib)
}, 180_000)

/** Puts rows beside what was pushed, as if every tag had been moved there and every repository made. */
async function insertMany(file: string): Promise<void> {
  await using db = await openSqlite({ file, checkpoints: 'on-close' })
  const numbers = (count: number) =>
    sql`with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count - 1})`
  await db.write(async tx => {
    await sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
      ${numbers(tags)} select repository_id, printf('v%06d', n), digest, created_ms, updated_ms from tags, numbers`.execute(
      tx,
    )
    await sql`insert into repositories
        (organization_id, name, is_public, category, creator_id, creator_name, created_ms, updated_ms)
      ${numbers(repositories)} select organization_id, printf('app%d', n), is_public, category, creator_id, creator_name,
        created_ms, updated_ms from repositories, numbers`.execute(tx)
  })
}

/** Follows every Link from here; how many names there were. */
async function pageThrough(first: string, authorization: string): Promise<number> {
  let count = 0
  for (let url: string | undefined = first; url !== undefined; ) {
    const answer: Response = await fetch(url, { headers: { authorization, accept: ociImage } })
    const body = (await answer.json()) as { tags?: string[]; repositories?: string[] }
    count += (body.tags ?? body.repositories ?? []).length
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '') ?? []
    url = next === undefined ? undefined : new URL(next, first).href
  }
  return count
}
