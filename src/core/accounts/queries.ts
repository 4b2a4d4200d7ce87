import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import { flag, type NewRow, type Row } from '../../metadata/tables.ts'
import { parseRole, type Role, type RoleName } from '../../protocol/iam/roles.ts'

export type Account = { id: string; name: string; createdMs: number }
export type Project = { id: string; accountId: string; name: string }

/** A user as lists and answers show it: no secret, no hash. */
export type User = {
  id: string
  accountId: string
  accountName: string
  name: string
  role: Role
  isEnabled: boolean
  accessMode: AccessMode
  epoch: number
  createdMs: number
}

/** By what a user may prove itself: `programmatic` by access keys alone, `console` by the password alone. */
export type AccessMode = 'default' | 'programmatic' | 'console'

/** A user as only the check of a password sees it; `needsCode` where a second factor is bound. */
export type LoginUser = User & { passwordHash: string; needsCode: boolean }

export type AccessKey = {
  id: string
  userId: string
  userName: string
  isEnabled: boolean
  description: string
  createdMs: number
}

/** One page of a list ordered by name (access keys: by id): what comes after `after`. */
export type Page = { after?: string; limit: number }

export async function hasAccount(db: Reader): Promise<boolean> {
  return (await db.selectFrom('accounts').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** False when the name is taken. */
export async function insertAccount(tx: Transaction, row: NewRow<'accounts'>): Promise<boolean> {
  const added = await tx
    .insertInto('accounts')
    .values(row)
    .onConflict(on => on.doNothing())
    .returning('id')
    .execute()
  return added.length > 0
}

export async function insertProject(tx: Transaction, row: NewRow<'projects'>): Promise<void> {
  await tx.insertInto('projects').values(row).execute()
}

/** False when the account has a user of that name. */
export async function insertUser(tx: Transaction, row: NewRow<'users'>): Promise<boolean> {
  const added = await tx
    .insertInto('users')
    .values(row)
    .onConflict(on => on.doNothing())
    .returning('id')
    .execute()
  return added.length > 0
}

/** Roles of a user of the account as a whole; together with `users.role`, in one transaction. */
export async function insertUserRoles(tx: Transaction, rows: readonly NewRow<'user_roles'>[]): Promise<void> {
  if (rows.length === 0) return
  await tx
    .insertInto('user_roles')
    .values(rows)
    .onConflict(on => on.doNothing())
    .execute()
}

/** What a change of a user goes by, as it is in its transaction. */
export type LockedUser = Pick<User, 'id' | 'accountId' | 'name' | 'isEnabled' | 'accessMode'>

/** The user, held until the transaction ends. */
export async function lockUser(
  tx: Transaction,
  engine: Database['engine'],
  user: { accountId: string; id: string },
): Promise<LockedUser | undefined> {
  const found = tx
    .selectFrom('users')
    .select(['id', 'account_id', 'name', 'is_enabled', 'access_mode'])
    .where('id', '=', user.id)
    .where('account_id', '=', user.accountId)
  const row = await lockRow(engine, found).executeTakeFirst()
  return (
    row && {
      id: row.id,
      accountId: row.account_id,
      name: row.name,
      isEnabled: row.is_enabled === 1,
      accessMode: accessModeOf(row.access_mode),
    }
  )
}

/** What a user is assigned: roles with the project each is of, empty for the account as a whole. */
export async function selectRolesOf(db: Reader, userId: string): Promise<{ role: RoleName; projectId: string }[]> {
  const rows = await db
    .selectFrom('user_roles')
    .select(['role', 'project_id'])
    .where('user_id', '=', userId)
    .orderBy('role')
    .orderBy('project_id')
    .execute()
  return rows.flatMap(row => {
    const role = parseRole(row.role)
    return role === 'none' ? [] : [{ role, projectId: row.project_id }]
  })
}

/** Takes back one role, or with no `role` all; answers how many it were. */
export async function deleteUserRoles(
  tx: Transaction,
  userId: string,
  which?: { role: RoleName; projectId: string },
): Promise<number> {
  const all = tx.deleteFrom('user_roles').where('user_id', '=', userId)
  const some = which ? all.where('role', '=', which.role).where('project_id', '=', which.projectId) : all
  return (await some.returning('role').execute()).length
}

/** Sets what decisions read. */
export async function updateRole(tx: Transaction, userId: string, role: Role): Promise<void> {
  await tx.updateTable('users').set({ role }).where('id', '=', userId).execute()
}

/** False when there is such an access key, of whomever. */
export async function insertAccessKey(tx: Transaction, row: NewRow<'access_keys'>): Promise<boolean> {
  const added = await tx
    .insertInto('access_keys')
    .values(row)
    .onConflict(on => on.doNothing())
    .returning('id')
    .execute()
  return added.length > 0
}

export async function findAccount(db: Reader, name: string): Promise<Account | undefined> {
  const row = await db.selectFrom('accounts').selectAll().where('name', '=', name).executeTakeFirst()
  return row && accountOf(row)
}

/** The oldest: users of it log in without naming it. */
export async function findFirstAccount(db: Reader): Promise<Account | undefined> {
  const row = await db
    .selectFrom('accounts')
    .selectAll()
    .orderBy('created_ms')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row && accountOf(row)
}

export async function selectAccounts(db: Reader, { after = '', limit }: Page): Promise<Account[]> {
  const rows = await db
    .selectFrom('accounts')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map(accountOf)
}

export async function findProject(
  db: Reader,
  accountId: string,
  by: { id: string } | { name: string },
): Promise<Project | undefined> {
  const query = db.selectFrom('projects').selectAll().where('account_id', '=', accountId)
  const row = await ('id' in by ? query.where('id', '=', by.id) : query.where('name', '=', by.name)).executeTakeFirst()
  return row && projectOf(row)
}

export async function selectProjects(db: Reader, accountId: string, { after = '', limit }: Page): Promise<Project[]> {
  const rows = await db
    .selectFrom('projects')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map(projectOf)
}

export async function findUser(
  db: Reader,
  accountId: string,
  by: { id: string } | { name: string },
): Promise<User | undefined> {
  const query = users(db).where('u.account_id', '=', accountId)
  const row = await ('id' in by
    ? query.where('u.id', '=', by.id)
    : query.where('u.name', '=', by.name)
  ).executeTakeFirst()
  return row && userOf(row)
}

export async function selectUsers(db: Reader, accountId: string, { after = '', limit }: Page): Promise<User[]> {
  const rows = await users(db)
    .where('u.account_id', '=', accountId)
    .where('u.name', '>', after)
    .orderBy('u.name')
    .limit(limit)
    .execute()
  return rows.map(userOf)
}

/** The administrator to whom `credentials reset` goes when nobody is named: the oldest of the account. */
export async function findFirstAdministrator(db: Reader, accountId: string): Promise<User | undefined> {
  const row = await users(db)
    .where('u.account_id', '=', accountId)
    .where('u.role', '=', 'te_admin')
    .orderBy('u.created_ms')
    .orderBy('u.id')
    .limit(1)
    .executeTakeFirst()
  return row && userOf(row)
}

/** Who claims to log in. A user's id names its account too, so this needs no tenant; nothing else may look like this. */
export async function findLoginUser(
  db: Reader,
  by: { id: string } | { accountId: string; name: string },
): Promise<LoginUser | undefined> {
  const query = users(db)
    .select('u.password_hash')
    .leftJoin('second_factors as s', join => join.onRef('s.user_id', '=', 'u.id').on('s.is_bound', '=', 1))
    .select('s.user_id as bound_user')
  const row = await ('id' in by
    ? query.where('u.id', '=', by.id)
    : query.where('u.account_id', '=', by.accountId).where('u.name', '=', by.name)
  ).executeTakeFirst()
  return row && loginUserOf(row)
}

/**
 * Who claims to log in with docker: a name in an account that is named, or else in the first. In one query, compiled
 * once: a client may send its password with every request.
 */
export function dockerLoginQuery(
  db: Database,
): (login: { accountName: string | undefined; name: string }) => Promise<LoginUser | undefined> {
  const query = db.prepare<LoginUserRow>(
    'docker-login',
    `select u.id, u.account_id, a.name as account_name, u.name, u.role, u.is_enabled, u.access_mode, u.epoch,
            u.created_ms, u.password_hash, s.user_id as bound_user
     from users u join accounts a on a.id = u.account_id
     left join second_factors s on s.user_id = u.id and s.is_bound = 1
     where u.name = $2 and u.account_id =
       case when cast($1 as text) is null then (select id from accounts order by created_ms, id limit 1)
            else (select id from accounts where name = $1) end`,
  )
  return async ({ accountName, name }) => {
    const [row] = await query([accountName ?? null, name])
    return row && loginUserOf(row)
  }
}

/** Moves the user's epoch on, which voids every proof made before, and sets what is given. False: no such user. */
export async function updateUser(
  tx: Transaction,
  user: { accountId: string; id: string },
  change: { passwordHash?: string; isEnabled?: boolean; accessMode?: AccessMode },
): Promise<boolean> {
  const updated = await tx
    .updateTable('users')
    .set(eb => ({
      epoch: eb('epoch', '+', 1),
      ...(change.accessMode === undefined ? {} : { access_mode: change.accessMode }),
      ...(change.passwordHash === undefined ? {} : { password_hash: change.passwordHash }),
      ...(change.isEnabled === undefined ? {} : { is_enabled: flag(change.isEnabled) }),
    }))
    .where('id', '=', user.id)
    .where('account_id', '=', user.accountId)
    .returning('id')
    .execute()
  return updated.length > 0
}

/** A name that is taken is a violation of the key. */
export async function renameUser(
  tx: Transaction,
  user: { accountId: string; id: string },
  name: string,
): Promise<void> {
  await tx
    .updateTable('users')
    .set({ name })
    .where('id', '=', user.id)
    .where('account_id', '=', user.accountId)
    .execute()
}

/** Removes a user with everything that is its own; false when there is none. */
export async function deleteUserRow(tx: Transaction, user: { accountId: string; id: string }): Promise<boolean> {
  const { id } = user
  await tx.deleteFrom('keystone_tokens').where('user_id', '=', id).execute()
  await tx.deleteFrom('temporary_keys').where('user_id', '=', id).execute()
  await tx.deleteFrom('access_keys').where('user_id', '=', id).execute()
  await tx.deleteFrom('organization_grants').where('user_id', '=', id).execute()
  await tx.deleteFrom('repository_grants').where('user_id', '=', id).execute()
  const deleted = await tx
    .deleteFrom('users')
    .where('id', '=', id)
    .where('account_id', '=', user.accountId)
    .returning('id')
    .execute()
  return deleted.length > 0
}

/** JSON that clients keep with a user. */
export async function findProfile(db: Reader, userId: string): Promise<string | undefined> {
  const row = await db.selectFrom('user_profiles').select('profile').where('user_id', '=', userId).executeTakeFirst()
  return row?.profile
}

export async function upsertProfile(tx: Transaction, userId: string, profile: string): Promise<void> {
  await tx
    .insertInto('user_profiles')
    .values({ user_id: userId, profile })
    .onConflict(on => on.column('user_id').doUpdateSet({ profile }))
    .execute()
}

export async function findAccessKey(
  db: Reader,
  key: { accountId: string; id: string },
): Promise<AccessKey | undefined> {
  const row = await accessKeys(db, key.accountId).where('k.id', '=', key.id).executeTakeFirst()
  return row && accessKeyOf(row)
}

/** False when the account has none of that id. */
export async function deleteAccessKeyRow(tx: Transaction, key: { accountId: string; id: string }): Promise<boolean> {
  const deleted = await tx
    .deleteFrom('access_keys')
    .where('id', '=', key.id)
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('account_id', '=', key.accountId))
    .returning('id')
    .execute()
  return deleted.length > 0
}

/** False when the account has none of that id. */
export async function describeAccessKey(
  tx: Transaction,
  key: { accountId: string; id: string },
  description: string,
): Promise<boolean> {
  const described = await tx
    .updateTable('access_keys')
    .set({ description })
    .where('id', '=', key.id)
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('account_id', '=', key.accountId))
    .returning('id')
    .execute()
  return described.length > 0
}

export async function selectAccessKeys(
  db: Reader,
  of: { accountId: string; userId?: string },
  { after = '', limit }: Page,
): Promise<AccessKey[]> {
  const query = accessKeys(db, of.accountId).where('k.id', '>', after).orderBy('k.id').limit(limit)
  const rows = await (of.userId === undefined ? query : query.where('k.user_id', '=', of.userId)).execute()
  return rows.map(accessKeyOf)
}

/** Enables or disables a key and moves its epoch on; answers its owner's id, undefined when the account has none. */
export async function updateAccessKey(
  tx: Transaction,
  key: { accountId: string; id: string },
  isEnabled: boolean,
): Promise<string | undefined> {
  const updated = await tx
    .updateTable('access_keys')
    .set(eb => ({ is_enabled: flag(isEnabled), epoch: eb('epoch', '+', 1) }))
    .where('id', '=', key.id)
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('account_id', '=', key.accountId))
    .returning('user_id')
    .execute()
  return updated[0]?.user_id
}

/** Disables every key of a user; answers their ids. */
export async function disableAccessKeysOf(tx: Transaction, userId: string): Promise<string[]> {
  const updated = await tx
    .updateTable('access_keys')
    .set(eb => ({ is_enabled: 0, epoch: eb('epoch', '+', 1) }))
    .where('user_id', '=', userId)
    .where('is_enabled', '=', 1)
    .returning('id')
    .execute()
  return updated.map(row => row.id)
}

function accessKeys(db: Reader, accountId: string) {
  return db
    .selectFrom('access_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .select(['k.id', 'k.user_id', 'u.name as user_name', 'k.is_enabled', 'k.description', 'k.created_ms'])
    .where('u.account_id', '=', accountId)
}

type AccessKeyRow = Pick<Row<'access_keys'>, 'id' | 'user_id' | 'is_enabled' | 'description' | 'created_ms'>

function accessKeyOf(row: AccessKeyRow & { user_name: string }): AccessKey {
  return {
    id: row.id,
    userId: row.user_id,
    userName: row.user_name,
    isEnabled: row.is_enabled === 1,
    description: row.description,
    createdMs: row.created_ms,
  }
}

function users(db: Reader) {
  return db
    .selectFrom('users as u')
    .innerJoin('accounts as a', 'a.id', 'u.account_id')
    .select([
      'u.id',
      'u.account_id',
      'a.name as account_name',
      'u.name',
      'u.role',
      'u.is_enabled',
      'u.access_mode',
      'u.epoch',
      'u.created_ms',
    ])
}

type LoginUserRow = Row<'users'> & { account_name: string; bound_user: string | null }
type UserRow = Omit<LoginUserRow, 'password_hash' | 'bound_user'>

function loginUserOf(row: LoginUserRow): LoginUser {
  return { ...userOf(row), passwordHash: row.password_hash, needsCode: row.bound_user !== null }
}

function userOf(row: UserRow): User {
  return {
    id: row.id,
    accountId: row.account_id,
    accountName: row.account_name,
    name: row.name,
    role: parseRole(row.role),
    isEnabled: row.is_enabled === 1,
    accessMode: accessModeOf(row.access_mode),
    epoch: row.epoch,
    createdMs: row.created_ms,
  }
}

function accessModeOf(text: string): AccessMode {
  return text === 'programmatic' || text === 'console' ? text : 'default'
}

function accountOf(row: Row<'accounts'>): Account {
  return { id: row.id, name: row.name, createdMs: row.created_ms }
}

function projectOf(row: Row<'projects'>): Project {
  return { id: row.id, accountId: row.account_id, name: row.name }
}
