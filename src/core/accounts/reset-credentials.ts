import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../events.ts'
import { addAccessKey, newAccessKey, sealSecretKey } from './access-keys.ts'
import { getAccount } from './accounts.ts'
import type { AccountsDeps } from './deps.ts'
import type { InitialCredentials } from './first-start.ts'
import { disableAccessKeysOf, findFirstAdministrator, findUser, selectProjects, updateUser } from './queries.ts'
import { randomPassword } from './random.ts'
import { deleteDevice } from './second-factor/queries.ts'

/**
 * Gives an administrator who lost them new credentials, answered this once: password and access key are new, every
 * earlier one is void, a second factor is taken away, and a disabled administrator is enabled. Without names it is the oldest administrator of the first
 * account. Throws `account_unknown` or `user_unknown`.
 */
export async function resetCredentials(
  deps: AccountsDeps,
  by: Requester<Actor>,
  whom: { account?: string | undefined; user?: string | undefined } = {},
): Promise<InitialCredentials> {
  const { db, clock, sealer, passwords } = deps
  const account = await getAccount(deps, whom.account)
  const user = await (whom.user === undefined
    ? findFirstAdministrator(db.read, account.id)
    : findUser(db.read, account.id, { name: whom.user }))
  if (user?.role !== 'te_admin') {
    throw new DomainError('user_unknown', `there is no administrator ${whom.user ?? ''} in the account ${account.name}`)
  }
  const [project] = await selectProjects(db.read, account.id, { limit: 1 })
  const password = randomPassword()
  const passwordHash = await passwords.hash(password)
  const key = newAccessKey()
  const sealedSecret = sealSecretKey(sealer, key)
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    await updateUser(tx, user, { passwordHash, isEnabled: true, accessMode: 'default' })
    await deleteDevice(tx, user.id)
    const disabled = await disableAccessKeysOf(tx, user.id)
    await recordEvents(tx, by, [
      {
        kind: 'user.password-changed',
        atMs: nowMs,
        accountId: account.id,
        detail: { userId: user.id, user: user.name },
      },
      ...disabled.map(accessKey => ({
        kind: 'access-key.disabled' as const,
        atMs: nowMs,
        accountId: account.id,
        detail: { accessKey, userId: user.id },
      })),
    ])
    await addAccessKey(tx, by, { user, id: key.id, sealedSecret, nowMs })
  })
  return {
    account: account.name,
    project: project?.name ?? '',
    user: user.name,
    password,
    accessKey: key.id,
    secretKey: key.secret,
  }
}
