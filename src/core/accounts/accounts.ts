import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { checkAccountName, checkProjectName } from './names.ts'
import { type Account, findAccount, findFirstAccount, insertAccount, insertProject, type Project } from './queries.ts'
import { randomId } from './random.ts'

/**
 * Makes an account with its first project. Throws `parameter_invalid` or `account_exists`.
 */
export async function createAccount(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  input: { name: string; projectName: string },
): Promise<{ account: Account; project: Project }> {
  const account = { id: randomId(), name: checkAccountName(input.name), createdMs: clock.nowMs() }
  const project = { id: randomId(), accountId: account.id, name: checkProjectName(input.projectName) }
  await db.write(async tx => {
    if (!(await insertAccount(tx, { id: account.id, name: account.name, created_ms: account.createdMs }))) {
      throw new DomainError('account_exists', `there is an account ${account.name} already`, { account: account.name })
    }
    await insertProject(tx, {
      id: project.id,
      account_id: account.id,
      name: project.name,
      created_ms: account.createdMs,
    })
    await recordEvent(tx, by, {
      kind: 'account.created',
      atMs: account.createdMs,
      accountId: account.id,
      detail: { account: account.name, project: project.name },
    })
  })
  return { account, project }
}

/** The account of that name, else the first one. Throws `account_unknown`. */
export async function getAccount({ db }: Pick<AccountsDeps, 'db'>, name?: string): Promise<Account> {
  const account = await (name === undefined ? findFirstAccount(db.read) : findAccount(db.read, name))
  if (account) return account
  throw name === undefined
    ? new DomainError('account_unknown', 'there is no account yet: start the server once')
    : new DomainError('account_unknown', `there is no account ${name}: stower account list shows them`, {
        account: name,
      })
}
