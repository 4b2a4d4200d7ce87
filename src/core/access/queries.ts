import { type RawBuilder, sql } from 'kysely'
import type { Database, Parameter, Reader, Transaction } from '../../metadata/database.ts'
import { parseRole } from '../../protocol/iam/roles.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { Facts, Standing } from './facts.ts'
import type { Level } from './level.ts'
import { powersOf } from './roles.ts'
import { deleteSetting, findSetting, upsertSetting } from './settings/queries.ts'
import { type Maintenance, openSwitches, type Switches } from './switches.ts'

/**
 * No join, which would cost users of the own account, too: SQLite opens each table of a join before it knows whether it
 * will look into it, and one of a subquery when it does.
 */
const shareEnds = `
  case when u.account_id <> o.account_id then
    (select s.ends_ms from repository_shares s where s.repository_id = r.id and s.account_id = u.account_id)
  end as share_ends`

/**
 * The fragments that every query about rights is made of, so that a pull can ask for rights and content in one round
 * trip. `$1` user id, `$2` id of an access key or a temporary one, `$3` organization name, `$4` repository name (null
 * where none).
 */
export const factsColumns = `
  u.epoch as user_epoch, u.is_enabled as user_enabled, u.role as user_role,
  u.account_id as user_account, k.epoch as key_epoch, k.is_enabled as key_enabled, k.user_id as key_user,
  tk.user_id as temporary_user, tk.parent_id as temporary_parent,
  o.id as organization_id, o.account_id as organization_account, og.level as organization_level,
  r.id as repository_id, r.is_public as repository_public, rg.level as repository_level,
  ${shareEnds}`

const grantJoins = `
  left join organization_grants og on og.organization_id = o.id and og.user_id = u.id
  left join repository_grants rg on rg.repository_id = r.id and rg.user_id = u.id`

export const factsJoins = `
  (select 1 as one) q
  left join users u on u.id = $1
  left join temporary_keys tk on tk.id = $2
  left join access_keys k on k.id = coalesce(tk.parent_id, $2)
  left join organizations o on o.name = $3
  left join repositories r on r.organization_id = o.id and r.name = $4 and r.deleted_ms is null
  ${grantJoins}`

const hasRepositoryGrant = `
  case when u.id is null or o.id is null then 0
       when exists (select 1 from repository_grants xg join repositories xr on xr.id = xg.repository_id
                    where xg.user_id = u.id and xr.organization_id = o.id and xr.deleted_ms is null) then 1
       else 0 end as has_repository_grant`

const maintenanceKey = 'maintenance'
const maintenance = `(select value from settings where key = '${maintenanceKey}') as maintenance`

export type FactsRow = {
  user_epoch: number | null
  user_enabled: number | null
  user_role: string | null
  user_account: string | null
  key_epoch: number | null
  key_enabled: number | null
  key_user: string | null
  temporary_user: string | null
  temporary_parent: string | null
  organization_id: number | null
  organization_account: string | null
  organization_level: number | null
  repository_id: number | null
  repository_public: number | null
  repository_level: number | null
  share_ends: number | null
  has_repository_grant?: number
  maintenance?: string | null
}

/** What an object is called on the wire: names only, resolved together with the caller's rights. */
export type Place = { organization: string; repository?: string }

/** The parameters `$1` to `$4` of the fragments. */
export function factsParameters(caller: Caller, place: Place | undefined): Parameter[] {
  const isUser = caller.kind === 'user'
  return [
    isUser ? caller.userId : null,
    (isUser && caller.accessKey?.id) || null,
    place?.organization ?? null,
    place?.repository ?? null,
  ]
}

/**
 * Reads a row of the fragments as facts of this moment, holding the proof's epochs against today's. `configured` is what
 * the settings say of the switches; maintenance is in the row.
 */
export function readFacts(
  caller: Caller,
  row: FactsRow,
  { nowMs, configured = openSwitches }: { nowMs: number; configured?: Switches },
): Facts {
  const { organization_id, organization_account, repository_id } = row
  return {
    standing: standingOf(caller, row),
    organization:
      organization_id === null || organization_account === null
        ? undefined
        : {
            id: organization_id,
            accountId: organization_account,
            level: levelOf(row.organization_level),
            hasRepositoryGrant: row.has_repository_grant === 1,
          },
    repository:
      repository_id === null
        ? undefined
        : {
            id: repository_id,
            isPublic: row.repository_public === 1,
            level: levelOf(row.repository_level),
            sharedUntilMs: row.share_ends !== null && nowMs < row.share_ends ? row.share_ends : undefined,
          },
    switches:
      configured.readOnlyReason === undefined && row.maintenance
        ? { ...configured, readOnlyReason: parseMaintenance(row.maintenance).reason }
        : configured,
  }
}

/** Resolves names and rights in one query, compiled once. */
export function factsQuery(
  { db, clock }: { db: Database; clock: Clock },
  configured: Switches,
): (caller: Caller, place?: Place) => Promise<Facts> {
  const query = db.prepare<FactsRow>(
    'access-facts',
    `select ${factsColumns}, ${hasRepositoryGrant}, ${maintenance} from ${factsJoins}`,
  )
  return async (caller, place) => {
    const [row] = await query(factsParameters(caller, place))
    if (!row) throw new Error('the facts query always answers one row')
    return readFacts(caller, row, { nowMs: clock.nowMs(), configured })
  }
}

/**
 * What holds for the caller now at each of some repositories that were found otherwise than by name. `ids` is a query of
 * their ids, `repository_id`, and has to be bounded; those that are deleted are left out.
 */
export async function factsOfEach(
  db: Reader,
  caller: Caller,
  { ids, nowMs }: { ids: RawBuilder<unknown>; nowMs: number },
): Promise<{ place: Required<Place>; facts: Facts }[]> {
  const [userId, keyId] = factsParameters(caller, undefined)
  const { rows } = await sql<FactsRow & Required<Place>>`
    select ${sql.raw(factsColumns)}, o.name as organization, r.name as repository
    from (${ids}) c
    join repositories r on r.id = c.repository_id and r.deleted_ms is null
    join organizations o on o.id = r.organization_id
    left join users u on u.id = ${userId}
    left join temporary_keys tk on tk.id = ${keyId}
    left join access_keys k on k.id = coalesce(tk.parent_id, ${keyId})
    ${sql.raw(grantJoins)}`.execute(db)
  return rows.map(row => ({
    place: { organization: row.organization, repository: row.repository },
    facts: readFacts(caller, row, { nowMs }),
  }))
}

export async function findMaintenance(db: Reader): Promise<Maintenance | undefined> {
  const value = await findSetting(db, maintenanceKey)
  return value === undefined ? undefined : parseMaintenance(value)
}

export async function upsertMaintenance(tx: Transaction, maintenance: Maintenance): Promise<void> {
  await upsertSetting(tx, maintenanceKey, JSON.stringify(maintenance))
}

/** False when there was none. */
export async function deleteMaintenance(tx: Transaction): Promise<boolean> {
  return deleteSetting(tx, maintenanceKey)
}

function parseMaintenance(value: string): Maintenance {
  return JSON.parse(value) as Maintenance
}

function standingOf(caller: Caller, row: FactsRow): Standing {
  if (caller.kind === 'anonymous') return { kind: 'anonymous' }
  if (row.user_enabled !== 1 || row.user_epoch !== caller.userEpoch || row.user_account === null)
    return { kind: 'void' }
  if (caller.accessKey && !isKeyCurrent(caller.userId, caller.accessKey, row)) return { kind: 'void' }
  const role = parseRole(row.user_role ?? '')
  return {
    kind: 'current',
    userId: caller.userId,
    accountId: row.user_account,
    role,
    isAdministrator: powersOf[role].isAdministrator,
  }
}

/** A temporary key counts while its row is there, and as long as its parent does, where it has one. */
function isKeyCurrent(userId: string, accessKey: { epoch: number }, row: FactsRow): boolean {
  if (row.temporary_user !== null && row.temporary_parent === null) return row.temporary_user === userId
  const isOwn = row.key_user === userId && (row.temporary_user === null || row.temporary_user === userId)
  return isOwn && row.key_enabled === 1 && row.key_epoch === accessKey.epoch
}

function levelOf(value: number | null): Level | 0 {
  return value === 1 || value === 3 || value === 7 ? value : 0
}
