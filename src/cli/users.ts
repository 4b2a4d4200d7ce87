import { administer } from '../app/administration.ts'
import { DomainError } from '../core/errors.ts'
import { type Role, roleNames } from '../protocol/iam/roles.ts'
import { type Command, type Invocation, optionValue, positional, print, printTable, requireConfig } from './command.ts'
import { readPassword } from './read-password.ts'

const name = { name: 'name', about: 'the name of the user' }
const account = { name: 'account', value: 'NAME', about: 'The account. (default: the first one)' }
const passwordStdin = {
  name: 'password-stdin',
  about: 'Read the password from standard input. (default: a random one)',
}

const role = {
  name: 'role',
  value: 'ROLE',
  about: `One of ${[...roleNames, 'none'].map(each => `"${each}"`).join(', ')}. (default: "SWR OperateAccess")`,
}

export const userCommands: readonly Command[] = [
  {
    words: ['user', 'create'],
    summary: 'Make a user; the password is shown once.',
    positionals: [name],
    options: [
      account,
      passwordStdin,
      role,
      { name: 'administrator', about: 'May do everything in the account: the role te_admin.' },
    ],
    examples: [
      { line: 'stower user create ci', does: 'A user with a random password.' },
      {
        line: 'stower user create ops --role te_admin --password-stdin < password.txt',
        does: 'An administrator of the account.',
      },
    ],
    settings: 'accepted',
    run: async invocation => {
      const given = await givenPassword(invocation)
      const { user, password } = await administer(requireConfig(invocation), administration =>
        administration.createUser({
          ...named(invocation),
          password: given,
          role: roleOf(invocation) ?? (invocation.options.administrator === true ? 'te_admin' : 'SWR OperateAccess'),
        }),
      )
      print(`user ${user.accountName}/${user.name}, id ${user.id}`)
      if (given === undefined) print(`password (shown once): ${password}`)
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
      const users = await administer(requireConfig(invocation), administration =>
        administration.listUsers({ account: optionValue(invocation, 'account') }),
      )
      printTable(
        ['NAME', 'ID', 'STATE', 'ROLE'],
        users.map(user => [user.name, user.id, user.isEnabled ? 'enabled' : 'disabled', user.role]),
      )
      return 0
    },
  },
  {
    words: ['user', 'show'],
    summary: 'Show a user: state, roles, access keys.',
    positionals: [name],
    options: [account],
    examples: [{ line: 'stower user show ci', does: 'Never a secret.' }],
    settings: 'accepted',
    run: async invocation => {
      const { user, roles, accessKeys } = await administer(requireConfig(invocation), administration =>
        administration.showUser(named(invocation)),
      )
      print(`user         ${user.accountName}/${user.name}`)
      print(`id           ${user.id}`)
      print(`state        ${user.isEnabled ? 'enabled' : 'disabled'}`)
      print(`created      ${new Date(user.createdMs).toISOString()}`)
      print(`role         ${user.role}${roles.length > 1 ? `, the strongest of ${roles.join(', ')}` : ''}`)
      for (const key of accessKeys) print(`access key   ${key.id}, ${key.isEnabled ? 'enabled' : 'disabled'}`)
      return 0
    },
  },
  {
    words: ['user', 'role'],
    summary: 'Give a user one role instead of every role it holds; in force at once.',
    positionals: [name, { name: 'role', about: `${[...roleNames, 'none'].join(', ')}` }],
    options: [account],
    examples: [
      { line: 'stower user role ci "SWR ReadOnlyAccess"', does: 'Whatever it is granted counts as reading.' },
      { line: 'stower user role ci none', does: 'What it is granted decides alone; it makes no organizations.' },
    ],
    settings: 'accepted',
    run: async invocation => {
      const user = await administer(requireConfig(invocation), administration =>
        administration.setRole({ ...named(invocation), role: roleNamed(positional(invocation, 'role')) }),
      )
      print(`the role of ${user.accountName}/${user.name} is ${user.role}`)
      return 0
    },
  },
  {
    words: ['user', 'remove-second-factor'],
    summary: 'Let a user who lost the device log in by the password alone again.',
    positionals: [name],
    options: [account],
    examples: [{ line: 'stower user remove-second-factor ops', does: 'The user may bind another one then.' }],
    settings: 'accepted',
    run: async invocation => {
      const user = await administer(requireConfig(invocation), administration =>
        administration.removeSecondFactor(named(invocation)),
      )
      print(`${user.accountName}/${user.name} logs in without a second factor`)
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
    run: invocation => setEnabled(invocation, false),
  },
  {
    words: ['user', 'enable'],
    summary: 'Let a disabled user log in again.',
    positionals: [name],
    options: [account],
    examples: [{ line: 'stower user enable ci', does: 'Tokens from before stay void.' }],
    settings: 'accepted',
    run: invocation => setEnabled(invocation, true),
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
      const { user, password } = await administer(requireConfig(invocation), administration =>
        administration.setPassword({ ...named(invocation), password: given }),
      )
      print(`the password of ${user.accountName}/${user.name} is changed`)
      if (given === undefined) print(`password (shown once): ${password}`)
      return 0
    },
  },
]

async function setEnabled(invocation: Invocation, isEnabled: boolean): Promise<number> {
  const user = await administer(requireConfig(invocation), administration =>
    administration.setUserEnabled({ ...named(invocation), isEnabled }),
  )
  print(`${user.accountName}/${user.name} is ${isEnabled ? 'enabled' : 'disabled'}`)
  return 0
}

function named(invocation: Invocation): { account: string | undefined; name: string } {
  return { account: optionValue(invocation, 'account'), name: positional(invocation, 'name') }
}

function roleOf(invocation: Invocation): Role | undefined {
  const given = optionValue(invocation, 'role')
  return given === undefined ? undefined : roleNamed(given)
}

function roleNamed(given: string): Role {
  const role = [...roleNames, 'none' as const].find(each => each === given)
  if (role) return role
  throw new DomainError('parameter_invalid', `there is no role ${given}: it is one of ${roleNames.join(', ')}, none`)
}

async function givenPassword(invocation: Invocation): Promise<string | undefined> {
  return invocation.options['password-stdin'] === true ? readPassword() : undefined
}
