import { join } from 'node:path'
import type { Database } from '../../src/metadata/database.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { credentials } from '../server.ts'

/** The database of a server, opened beside it as a command would. */
export function openDatabaseOf(at: { dataDir: string; databaseUrl?: string | undefined }): Promise<Database> {
  return at.databaseUrl === undefined
    ? openSqlite({ file: join(at.dataDir, 'stower.db'), checkpoints: 'on-close' })
    : openPostgres({ url: at.databaseUrl, connections: 1 })
}

/** Adds an organization of the first account to the database of a running server, as a command beside it would. */
export async function insertOrganization(at: { dataDir: string; databaseUrl?: string }, name: string): Promise<void> {
  await using db = await openDatabaseOf(at)
  await db.write(async tx => {
    const user = await tx.selectFrom('users').select(['id', 'account_id', 'name']).executeTakeFirstOrThrow()
    await tx
      .insertInto('organizations')
      .values({
        account_id: user.account_id,
        name,
        creator_id: user.id,
        creator_name: user.name,
        created_ms: Date.now(),
      })
      .execute()
  })
}

/** `Authorization` of the administrator for these repositories, good for as long as tokens live. */
export async function bearerToken(
  url: string,
  repositories: readonly string[],
  actions = 'pull,push',
): Promise<string> {
  const query = new URLSearchParams({ service: 'dockyard' })
  for (const name of repositories) query.append('scope', `repository:${name}:${actions}`)
  const basic = btoa(`${credentials.user}:${credentials.password}`)
  const answer = await fetch(`${url}/swr/auth/v2/registry/auth/?${query}`, {
    headers: { authorization: `Basic ${basic}` },
  })
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  const { token } = (await answer.json()) as { token: string }
  return `Bearer ${token}`
}
