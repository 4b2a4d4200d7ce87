import { userInfo } from 'node:os'
import type { Config } from '../config.ts'
import { beginMaintenance, endMaintenance, readMaintenance } from '../core/access/maintenance.ts'
import type { Maintenance } from '../core/access/switches.ts'
import { createAccessKey, disableAccessKey, enableAccessKey, type NewAccessKey } from '../core/accounts/access-keys.ts'
import { createAccount, getAccount } from '../core/accounts/accounts.ts'
import type { InitialCredentials } from '../core/accounts/first-start.ts'
import { type ListedTemporaryKey, selectTemporaryKeys } from '../core/accounts/keys/queries.ts'
import {
  type AccessKey,
  type Account,
  selectAccessKeys,
  selectAccounts,
  selectRolesOf,
  selectUsers,
  type User,
} from '../core/accounts/queries.ts'
import { resetCredentials } from '../core/accounts/reset-credentials.ts'
import { setOnlyRole } from '../core/accounts/roles.ts'
import { removeSecondFactor } from '../core/accounts/second-factor/second-factor.ts'
import { revokeTemporaryKey } from '../core/accounts/temporary-keys.ts'
import { createUser, disableUser, enableUser, getUser, setPassword } from '../core/accounts/users.ts'
import type { OperatorCaller, Requester } from '../core/caller.ts'
import {
  type Choices,
  type ChoosingOrganization,
  getChoosing,
  listChoosing,
  setChoices,
} from '../core/organizations/choices.ts'
import type { Role, RoleName } from '../protocol/iam/roles.ts'
import { type Explained, explainDecision, type Question } from './explaining.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openCommandLogger } from './logs.ts'

/** A user or key is of the account that is named, else of the first one. */
type InAccount = { account?: string | undefined }

/**
 * What commands do to the accounts and organizations of a data folder, beside a running server or without one. Whoever
 * runs them owns every byte of the folder, so nobody is asked for rights; events name the operator. All throw
 * `DomainError`.
 */
export type Administration = {
  createAccount: (input: { name: string; project?: string | undefined; administrator: string }) => Promise<{
    account: Account
    project: string
    password: string
  }>
  listAccounts: () => Promise<Account[]>
  createUser: (
    input: InAccount & { name: string; password?: string | undefined; role: Role },
  ) => Promise<{ user: User; password: string }>
  listUsers: (input: InAccount) => Promise<User[]>
  showUser: (
    input: InAccount & { name: string },
  ) => Promise<{ user: User; roles: readonly RoleName[]; accessKeys: AccessKey[] }>
  setRole: (input: InAccount & { name: string; role: Role }) => Promise<User>
  removeSecondFactor: (input: InAccount & { name: string }) => Promise<User>
  setUserEnabled: (input: InAccount & { name: string; isEnabled: boolean }) => Promise<User>
  setPassword: (
    input: InAccount & { name: string; password?: string | undefined },
  ) => Promise<{ user: User; password: string }>
  createAccessKey: (input: InAccount & { user: string }) => Promise<NewAccessKey>
  listAccessKeys: (input: InAccount) => Promise<AccessKey[]>
  setAccessKeyEnabled: (input: InAccount & { id: string; isEnabled: boolean }) => Promise<void>
  /** Why a user may do something or not. */
  explain: (input: InAccount & Omit<Question, 'user'> & { user: string | undefined }) => Promise<Explained>
  listLogins: (input: InAccount) => Promise<ListedTemporaryKey[]>
  revokeLogin: (input: InAccount & { id: string }) => Promise<void>
  listOrganizations: () => Promise<ChoosingOrganization[]>
  getOrganization: (name: string) => Promise<ChoosingOrganization>
  setOrganization: (name: string, choices: Choices) => Promise<ChoosingOrganization>
  beginMaintenance: (reason: string) => Promise<Maintenance>
  endMaintenance: () => Promise<boolean>
  getMaintenance: () => Promise<Maintenance | undefined>
  resetCredentials: (input: InAccount & { user?: string | undefined }) => Promise<InitialCredentials>
}

/** More than anyone reads on a terminal. */
const mostListed = 10_000

/** Opens the data folder for one command. */
export async function administer<T>(config: Config, work: (administration: Administration) => Promise<T>): Promise<T> {
  await using installation = await openInstallation({ config, logger: openCommandLogger() }, 'command')
  return await work(administrationOf(installation, config))
}

function administrationOf(installation: Installation, { region, switches }: Config): Administration {
  const by: Requester<OperatorCaller> = {
    caller: { kind: 'operator', name: userInfo().username },
    origin: { requestId: 'command', sourceAddress: '' },
  }
  const accountOf = ({ account }: InAccount) => getAccount(installation, account)
  const userOf = async (input: InAccount & { name: string }) =>
    getUser(installation, (await accountOf(input)).id, { name: input.name })
  return {
    createAccount: async input => {
      const { account, project } = await createAccount(installation, by, {
        name: input.name,
        projectName: input.project ?? region,
      })
      const { password } = await createUser(installation, by, {
        account,
        name: input.administrator,
        role: 'te_admin',
      })
      return { account, project: project.name, password }
    },
    listAccounts: () => selectAccounts(installation.db.read, { limit: mostListed }),
    createUser: async input => createUser(installation, by, { ...input, account: await accountOf(input) }),
    listUsers: async input => selectUsers(installation.db.read, (await accountOf(input)).id, { limit: mostListed }),
    showUser: async input => {
      const user = await userOf(input)
      const [roles, accessKeys] = await Promise.all([
        selectRolesOf(installation.db.read, user.id),
        selectAccessKeys(installation.db.read, { accountId: user.accountId, userId: user.id }, { limit: mostListed }),
      ])
      return { user, roles: [...new Set(roles.map(each => each.role))], accessKeys }
    },
    setRole: async input => setOnlyRole(installation, by, await userOf(input), input.role),
    removeSecondFactor: async input => {
      const user = await userOf(input)
      await removeSecondFactor(installation, by, user)
      return user
    },
    setUserEnabled: async input => {
      const user = await userOf(input)
      await (input.isEnabled ? enableUser : disableUser)(installation, by, user)
      return user
    },
    setPassword: async input => {
      const user = await userOf(input)
      const { password } = await setPassword(installation, by, { user, password: input.password })
      return { user, password }
    },
    createAccessKey: async input => createAccessKey(installation, by, await userOf({ ...input, name: input.user })),
    listAccessKeys: async input =>
      selectAccessKeys(installation.db.read, { accountId: (await accountOf(input)).id }, { limit: mostListed }),
    setAccessKeyEnabled: async input => {
      const key = { accountId: (await accountOf(input)).id, id: input.id }
      await (input.isEnabled ? enableAccessKey : disableAccessKey)(installation, by, key)
    },
    explain: async input => {
      const user = input.user === undefined ? undefined : { accountId: (await accountOf(input)).id, name: input.user }
      return explainDecision(installation, switches, { ...input, user })
    },
    listLogins: async input => {
      const of = { accountId: (await accountOf(input)).id, nowMs: installation.clock.nowMs() }
      return selectTemporaryKeys(installation.db.read, of, { limit: mostListed })
    },
    revokeLogin: async input =>
      revokeTemporaryKey(installation, by, { accountId: (await accountOf(input)).id, id: input.id }),
    listOrganizations: () => listChoosing(installation.db.read, { limit: mostListed }),
    getOrganization: name => getChoosing(installation.db.read, name),
    setOrganization: (name, choices) => setChoices(installation, by, name, choices),
    beginMaintenance: reason => beginMaintenance(installation, by, reason),
    endMaintenance: () => endMaintenance(installation, by),
    getMaintenance: () => readMaintenance(installation.db.read),
    resetCredentials: input => resetCredentials(installation, by, input),
  }
}
