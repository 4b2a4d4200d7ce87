import { sql } from 'kysely'
import type { Reader } from '../../src/metadata/database.ts'
import { type Operation, pathOf } from '../../src/surfaces/manage/operation.ts'
import { type Row, type Stage, shareWith } from './matrix.ts'
import type { TestUser } from './server.ts'

/** A new organization in which every operation of the matrix finds what it needs. */
export async function makeStage(
  people: Pick<Stage, 'server' | 'owner' | 'granted' | 'grantee'>,
  options: { organization: string; isPublic?: boolean; rows?: readonly Row[] },
): Promise<Stage> {
  const { server, owner, granted } = people
  const { organization, isPublic = false, rows = [] } = options
  // What is public can't be shared.
  const shares = isPublic ? [] : [shareWith('OTC222'), shareWith('OTC333', '2020-01-01T00:00:00Z')]
  const at = `/v2/manage/namespaces/${organization}`
  const grants = [{ user_id: granted.id, user_name: granted.name, auth: 1 }]
  for (const [call, body] of [
    ['POST /v2/manage/namespaces', { namespace: organization }],
    [`POST ${at}/repos`, { repository: 'r', is_public: isPublic }],
    [`POST ${at}/access`, grants],
    [`POST ${at}/repos/r/access`, grants],
    ...shares.map(share => [`POST ${at}/repos/r/access-domains`, share] as const),
  ] as const) {
    const { status, text } = await server.ask(owner, call, body)
    if (status !== 201) throw new Error(`${call}: ${status} ${text}`)
  }
  const stage = { ...people, organization }
  for (const row of rows) await row.prepare?.(stage)
  return stage
}

/** Asks for an operation as its row says, in the organization of the stage or in one of another name. */
export function askFor(
  stage: Stage,
  operation: Operation,
  row: Row | undefined,
  asked: { by: TestUser | undefined; organization?: string },
) {
  const names = { organization: asked.organization ?? stage.organization, repository: 'r', ...row?.names }
  const path = Object.entries(names).reduce((text, [name, value]) => text.replace(`:${name}`, value), pathOf(operation))
  const body = row?.body?.(stage)
  return stage.server.ask(asked.by, `${operation.method} ${path}${row?.query ?? ''}`, body)
}

/** What proofs and the machinery leave behind, whoever asks. */
const aside = ['keystone_tokens', 'schema_versions']

/** Every row of every table that a request could change, in a form that can be compared. */
export async function everyRow(db: Reader): Promise<Record<string, string[]>> {
  const tables = (await db.introspection.getTables()).filter(({ name }) => !aside.includes(name))
  const rows: Record<string, string[]> = {}
  for (const { name } of tables) {
    const { rows: all } = await sql`select * from ${sql.table(name)}`.execute(db)
    rows[name] = all.map(row => JSON.stringify(row)).sort()
  }
  return rows
}
