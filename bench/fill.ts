import { Database } from 'bun:sqlite'
import { join } from 'node:path'

/*
 * Writes rows straight into the database of a Stower that does not run: what would take an hour over the wire.
 */

/** Tags of one manifest that the repository holds. */
export function addTags(
  dataDir: string,
  tags: { repository: string; digest: string; count: number; nameOf: (number: number) => string },
): void {
  const [organization = '', name = ''] = tags.repository.split('/')
  insertEach(dataDir, tags.count, {
    sql: `insert into tags (repository_id, name, digest, created_ms, updated_ms)
          select r.id, $name, m.digest, $now, $now from organizations o
          join repositories r on r.organization_id = o.id and r.name = $repository
          join manifests m on m.repository_id = r.id and m.digest = unhex($digest)
          where o.name = $organization`,
    parametersOf: number => ({
      name: tags.nameOf(number),
      organization,
      repository: name,
      // The algorithm's byte, then the hash.
      digest: tags.digest.replace('sha256:', '01'),
    }),
  })
}

/** Empty repositories of one organization. */
export function addRepositories(
  dataDir: string,
  repositories: { organization: string; count: number; nameOf: (number: number) => string },
): void {
  insertEach(dataDir, repositories.count, {
    sql: `insert into repositories (organization_id, account_id, name, is_public, category, creator_id, creator_name, created_ms, updated_ms)
          select id, account_id, $name, 0, 'other', creator_id, creator_name, $now, $now from organizations where name = $organization`,
    parametersOf: number => ({ name: repositories.nameOf(number), organization: repositories.organization }),
  })
}

type Insert = { sql: string; parametersOf: (number: number) => Record<string, string> }

function insertEach(dataDir: string, count: number, { sql, parametersOf }: Insert): void {
  using database = new Database(join(dataDir, 'stower.db'), { readwrite: true, strict: true })
  const statement = database.prepare(sql)
  const now = Date.now()
  database.transaction(() => {
    for (let number = 0; number < count; number++) statement.run({ ...parametersOf(number), now })
  })()
}
