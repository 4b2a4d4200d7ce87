import { getAccount } from '../core/accounts/accounts.ts'
import { selectUsers } from '../core/accounts/queries.ts'
import { createUser, disableUser, enableUser, getUser, setPassword } from '../core/accounts/users.ts'
import { type Command, type Invocation, optionValue, positional, print, printTable } from './command.ts'
import { onInstallation } from './on-installation.ts'
import { readPassword } from './read-password.ts'

const usersPerPage = 10_000

const name = { name: 'name', about: 'the name of the user' }
const account = { name: 'account', value: 'NAME', about: 'The account. (default: the first one)' }
const passwordStdin = {
  name: 'password-stdin',
  about: 'Read the password from standard input. (default: a random one)',
}

export const userCommands: readonly Command[] = [
  {
    words: ['user', 'create'],
    summary: 'Make a user; the password is shown once.',
    positionals: [name],
    options: [account, passwordStdin, { name: 'administrator', about: 'May do everything in the account.' }],
    examples: [
      { line: 'stower user create ci', does: 'A user with a random password.' },
      { line: 'stower user create ops --administrator < password.txt --password-stdin', does: 'An administrator.' },
    ],
    settings: 'accepted',
    run: async invocation => {
      const given = await givenPassword(invocation)
      await onInstallation(invocation, async (installation, by) => {
        const { user, password } = await createUser(installation, by, {
          account: await getAccount(installation, optionValue(invocation, 'account')),
          name: positional(invocation, 'name'),
          password: given,
          isAdministrator: invocation.options.administrator === true,
        })
        print(`user ${user.accountName}/${user.name}, id ${user.id}`)
        if (given === undefined) print(`password (shown once): ${password}`)
      })
      return 0
    },
  },
  {
    words: ['user', 'list'],
    summary: 'List the users of an account.',
    options: [account],
    examples: [{ line: 'stower user list', does: 'Users of the first account.' }],
    settings: 'accepted',
    run: async invocation => {
      await onInstallation(invocation, async installation => {
        const { id } = await getAccount(installation, optionValue(invocation, 'account'))
        const users = await selectUsers(installation.db.read, id, { limit: usersPerPage })
        printTable(
          ['NAME', 'ID', 'STATE', 'ROLE'],
          users.map(user => [
            user.name,
            user.id,
            user.isEnabled ? 'enabled' : 'disabled',
            user.isAdministrator ? 'administrator' : 'user',
          ]),
        )
      })
      return 0
    },
  },
  {
    words: ['user', 'disable'],
    summary: 'End every login and token of a user at once.',
    positionals: [name],
    options: [account],
    examples: [{ line: 'stower user disable ci', does: 'Whatever uses it is refused from now on.' }],
    settings: 'accepted',
    run: invocation => changeUser(invocation, disableUser, 'disabled'),
  },
  {
    words: ['user', 'enable'],
    summary: 'Let a disabled user log in again.',
    positionals: [name],
    options: [account],
    examples: [{ line: 'stower user enable ci', does: 'Tokens from before stay void.' }],
    settings: 'accepted',
    run: invocation => changeUser(invocation, enableUser, 'enabled'),
  },
  {
    words: ['user', 'password'],
    summary: 'Set a password; every token of the user is void.',
    positionals: [name],
    options: [account, passwordStdin],
    examples: [{ line: 'stower user password ci', does: 'A new random password.' }],
    settings: 'accepted',
    run: async invocation => {
      const given = await givenPassword(invocation)
      await onInstallation(invocation, async (installation, by) => {
        const user = await namedUser(invocation, installation)
        const { password } = await setPassword(installation, by, { user, password: given })
        print(`the password of ${user.accountName}/${user.name} is changed`)
        if (given === undefined) print(`password (shown once): ${password}`)
      })
      return 0
    },
  },
]

async function changeUser(invocation: Invocation, change: typeof disableUser, state: string): Promise<number> {
  await onInstallation(invocation, async (installation, by) => {
    const user = await namedUser(invocation, installation)
    await change(installation, by, user)
    print(`${user.accountName}/${user.name} is ${state}`)
  })
  return 0
}

async function namedUser(invocation: Invocation, installation: Parameters<typeof getUser>[0]) {
  const { id } = await getAccount(installation, optionValue(invocation, 'account'))
  return getUser(installation, id, { name: positional(invocation, 'name') })
}

async function givenPassword(invocation: Invocation): Promise<string | undefined> {
  return invocation.options['password-stdin'] === true ? readPassword() : undefined
}
