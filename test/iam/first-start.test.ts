import { afterEach, beforeEach, expect, test } from 'bun:test'
import { createAccessKey, unsealSecretKey } from '../../src/core/accounts/access-keys.ts'
import { createAccount, getAccount } from '../../src/core/accounts/accounts.ts'
import { prepareInstallation } from '../../src/core/accounts/first-start.ts'
import { keyQuery } from '../../src/core/accounts/keys/queries.ts'
import { selectAccessKeys, selectAccounts, selectUsers } from '../../src/core/accounts/queries.ts'
import { resetCredentials } from '../../src/core/accounts/reset-credentials.ts'
import { createUser, disableUser } from '../../src/core/accounts/users.ts'
import { systemClock } from '../../src/core/clock.ts'
import { logInWithPassword } from '../../src/identity/docker-login.ts'
import { openPasswords } from '../../src/identity/passwords.ts'
import { sealerOf } from '../../src/identity/sealing.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { requester, secrets } from './installation.ts'

describeEngines('first start', (_engine, open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.dispose())

  const deps = () => ({
    db: opened.db,
    clock: systemClock,
    sealer: sealerOf('a key of the tests'),
    passwords: openPasswords(),
    guard: { attempt: <T>(_attempt: unknown, prove: () => Promise<T>) => prove() },
  })
  const from = (password = '') => ({ password, sourceAddress: '127.0.0.1' })

  const findKey = async (id: string) => {
    const [row] = await keyQuery(opened.db)([id, Date.now()])
    return { id, userName: row?.user_name, sealedSecret: row?.sealed_secret ?? new Uint8Array() }
  }

  test('an empty store gets random credentials that work, and no second ones', async () => {
    const made = await prepareInstallation(deps(), {}, 'eu-de')
    expect(made).toMatchObject({ account: 'stower', project: 'eu-de', user: 'admin' })
    expect(made?.password).toMatch(/^[A-Za-z0-9_-]{20,}$/)
    expect(made?.accessKey).toMatch(/^[A-Z][A-Z0-9]{19}$/)
    expect(made?.secretKey).toMatch(/^[A-Za-z0-9]{40}$/)
    const account = await getAccount(deps())
    const user = await logInWithPassword(deps(), { accountId: account.id, name: 'admin' }, from(made?.password))
    expect(user.role).toBe('te_admin')
    const key = await findKey(made?.accessKey ?? '')
    expect(unsealSecretKey(deps().sealer, key)).toBe(made?.secretKey ?? '')
    expect(await prepareInstallation(deps(), {}, 'eu-de')).toBeUndefined()
  })

  test('what is chosen is taken', async () => {
    const choices = { account: 'acme', project: 'p1', user: 'root', accessKey: 'AK.1', ...secrets }
    expect(await prepareInstallation(deps(), choices, 'eu-de')).toMatchObject(choices)
  })

  test('of eight replicas that start together with different choices exactly one fills the store', async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, number) => prepareInstallation(deps(), { account: `account-${number}` }, 'local')),
    )
    const winners = made.filter(one => one !== undefined)
    expect(winners).toHaveLength(1)
    const accounts = await selectAccounts(opened.db.read, { limit: 10 })
    expect(accounts.map(account => account.name)).toEqual(winners.map(one => one.account))
  })

  test.each([
    [{ account: 'a b' }],
    [{ account: '' }],
    [{ account: 'a/b' }],
    [{ project: 'a@b' }],
    [{ user: 'a:b' }],
    [{ user: 'a@b' }],
    [{ user: ' a' }],
    [{ user: 'x'.repeat(65) }],
    [{ accessKey: 'a@b' }],
    [{ accessKey: 'a, b' }],
    [{ secretKey: `${secrets.secretKey} ` }],
    [{ password: `${secrets.password}\n` }],
  ])('%j is refused, nothing is written, and no secret stands in the error', async choices => {
    const failing = prepareInstallation(deps(), choices, 'local')
    const error = await failing.catch(error => error)
    expect(error).toMatchObject({ code: 'parameter_invalid' })
    expect(JSON.stringify([error.message, error.detail])).not.toMatch(/canary/)
    expect(await selectAccounts(opened.db.read, { limit: 10 })).toEqual([])
  })

  test('events of a first start name user and key and hold no secret', async () => {
    await prepareInstallation(deps(), secrets, 'local')
    const events = await opened.db.read.selectFrom('events').selectAll().orderBy('id').execute()
    expect(events.map(event => event.kind)).toEqual(['user.created', 'access-key.created'])
    expect(JSON.stringify(events)).not.toMatch(/canary/)
  })

  test('no table holds a secret in readable form', async () => {
    await prepareInstallation(deps(), secrets, 'local')
    const rows = [
      await opened.db.read.selectFrom('users').selectAll().execute(),
      (await opened.db.read.selectFrom('access_keys').selectAll().execute()).map(row =>
        Buffer.from(row.sealed_secret).toString('latin1'),
      ),
    ]
    expect(JSON.stringify(rows)).not.toMatch(/canary/)
    expect(JSON.stringify(rows)).toMatch(/argon2id\$v=19\$m=9216,t=4,/)
  })

  test('reset gives the oldest administrator new credentials and voids the old ones', async () => {
    const made = await prepareInstallation(deps(), secrets, 'local')
    const account = await getAccount(deps())
    const [user] = await selectUsers(opened.db.read, account.id, { limit: 1 })
    if (!user) throw new Error('no user')
    await disableUser(deps(), requester, user)
    const reset = await resetCredentials(deps(), requester)
    expect(reset).toMatchObject({ account: 'stower', project: 'local', user: 'admin' })
    expect(reset.password).not.toBe(made?.password)
    const login = { accountId: account.id, name: 'admin' }
    expect((await logInWithPassword(deps(), login, from(reset.password))).isEnabled).toBe(true)
    const old = logInWithPassword(deps(), login, from(secrets.password))
    expect(await old.catch(error => error)).toMatchObject({ code: 'credentials_invalid' })
    const keys = await selectAccessKeys(opened.db.read, { accountId: account.id, userId: user.id }, { limit: 10 })
    expect(keys.filter(key => key.isEnabled).map(key => key.id)).toEqual([reset.accessKey])
    expect(keys).toHaveLength(2)
  })

  test('reset refuses a user who is no administrator, and an unknown account', async () => {
    await prepareInstallation(deps(), {}, 'local')
    const account = await getAccount(deps())
    await createUser(deps(), requester, { account, name: 'plain', role: 'SWR OperateAccess' })
    const refused = resetCredentials(deps(), requester, { user: 'plain' })
    expect(await refused.catch(error => error)).toMatchObject({ code: 'user_unknown' })
    const unknown = resetCredentials(deps(), requester, { account: 'nobody' })
    expect(await unknown.catch(error => error)).toMatchObject({ code: 'account_unknown' })
  })

  test('names are taken once: accounts everywhere, users in their account', async () => {
    await prepareInstallation(deps(), {}, 'local')
    const again = createAccount(deps(), requester, { name: 'stower', projectName: 'local' })
    expect(await again.catch(error => error)).toMatchObject({ code: 'account_exists' })
    const { account } = await createAccount(deps(), requester, { name: 'Stower', projectName: 'local' })
    await createUser(deps(), requester, { account, name: 'admin', role: 'SWR OperateAccess' })
    const twice = createUser(deps(), requester, { account, name: 'admin', role: 'SWR OperateAccess' })
    expect(await twice.catch(error => error)).toMatchObject({ code: 'user_exists' })
  })

  test('a new access key belongs to its user and opens with the installation’s key only', async () => {
    await prepareInstallation(deps(), {}, 'local')
    const account = await getAccount(deps())
    const { user } = await createUser(deps(), requester, { account, name: 'ci', role: 'SWR OperateAccess' })
    const made = await createAccessKey(deps(), requester, user)
    const key = await findKey(made.id)
    expect(key.userName).toBe('ci')
    expect(unsealSecretKey(deps().sealer, key)).toBe(made.secret)
    expect(() => unsealSecretKey(sealerOf('another key entirely'), key)).toThrow('does not open')
  })
})
