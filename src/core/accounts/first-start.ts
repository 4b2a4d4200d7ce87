import { insertSetting } from '../access/settings/queries.ts'
import type { Requester } from '../caller.ts'
import { anonymous } from '../caller.ts'
import { recordEvent } from '../events.ts'
import { addAccessKey, newAccessKey, sealSecretKey } from './access-keys.ts'
import type { AccountsDeps } from './deps.ts'
import {
  checkAccessKeyId,
  checkAccountName,
  checkPassword,
  checkProjectName,
  checkSecretKey,
  checkUserName,
} from './names.ts'
import { hasAccount, insertAccount, insertProject, insertUser, insertUserRoles } from './queries.ts'
import { randomId, randomPassword } from './random.ts'

/** What the first start is told instead of inventing it. */
export type InitialChoices = {
  readonly account?: string
  readonly project?: string
  readonly user?: string
  readonly password?: string
  readonly accessKey?: string
  readonly secretKey?: string
}

/** What the first start made: the credentials, and the ids of the account and its project. */
export type FirstStart = InitialCredentials & { accountId: string; projectId: string }

/** What a new administrator needs to know, in readable form; shown once and kept nowhere. */
export type InitialCredentials = {
  account: string
  project: string
  user: string
  password: string
  accessKey: string
  secretKey: string
}

/**
 * Fills an empty store: an account, a project, an administrator with password and access key. Answers what it made,
 * or undefined when the store is not empty. Of replicas that start together exactly one gets them. Throws
 * `parameter_invalid` for a choice that cannot be, before anything is written.
 */
export async function prepareInstallation(
  { db, clock, sealer, passwords }: AccountsDeps,
  choices: InitialChoices,
  region: string,
): Promise<FirstStart | undefined> {
  if (await hasAccount(db.read)) return undefined
  const credentials = chooseCredentials(choices, region)
  const passwordHash = await passwords.hash(credentials.password)
  const key = { id: credentials.accessKey, secret: credentials.secretKey }
  const sealedSecret = sealSecretKey(sealer, key)
  const account = { id: randomId(), name: credentials.account }
  const projectId = randomId()
  const user = { id: randomId(), accountId: account.id }
  const nowMs = clock.nowMs()
  const isDone = await db.write(async tx => {
    // The row that only one transaction can insert decides between replicas that start together.
    if (!(await insertSetting(tx, 'first_account', account.id)) || (await hasAccount(tx))) return false
    await insertAccount(tx, { id: account.id, name: account.name, created_ms: nowMs })
    await insertProject(tx, { id: projectId, account_id: account.id, name: credentials.project, created_ms: nowMs })
    await insertUser(tx, {
      id: user.id,
      account_id: account.id,
      name: credentials.user,
      password_hash: passwordHash,
      role: 'te_admin',
      is_enabled: 1,
      epoch: 1,
      created_ms: nowMs,
    })
    await insertUserRoles(tx, [{ user_id: user.id, role: 'te_admin', project_id: '', created_ms: nowMs }])
    await recordEvent(tx, firstStart, {
      kind: 'user.created',
      atMs: nowMs,
      accountId: account.id,
      detail: { userId: user.id, user: credentials.user, role: 'te_admin' },
    })
    await addAccessKey(tx, firstStart, { user, id: key.id, sealedSecret, nowMs })
    return true
  })
  return isDone ? { ...credentials, accountId: account.id, projectId } : undefined
}

/** Nobody asked for it: the events of the first start name no request. */
const firstStart: Requester = { caller: anonymous, origin: { requestId: 'first-start', sourceAddress: '' } }

function chooseCredentials(choices: InitialChoices, region: string): InitialCredentials {
  const key = newAccessKey()
  return {
    account: checkAccountName(choices.account ?? 'stower'),
    project: checkProjectName(choices.project ?? region),
    user: checkUserName(choices.user ?? 'admin'),
    password: checkPassword(choices.password ?? randomPassword()),
    accessKey: checkAccessKeyId(choices.accessKey ?? key.id),
    secretKey: checkSecretKey(choices.secretKey ?? key.secret),
  }
}
