import { createAccount } from '../core/accounts/accounts.ts'
import { selectAccounts } from '../core/accounts/queries.ts'
import { createUser } from '../core/accounts/users.ts'
import { type Command, optionValue, positional, print, printTable } from './command.ts'
import { onInstallation, requireConfig } from './on-installation.ts'

const accountsPerPage = 1000

export const accountCommands: readonly Command[] = [
  {
    words: ['account', 'create'],
    summary: 'Make an account with its first project and an administrator.',
    positionals: [{ name: 'name', about: 'letters, digits, "_" and "-", at most 64' }],
    options: [
      { name: 'user', value: 'NAME', about: 'The administrator. (default admin)' },
      { name: 'project', value: 'NAME', about: 'The project, named after its region. (default: the region setting)' },
    ],
    examples: [{ line: 'stower account create OTC111', does: 'A second account, to share images with.' }],
    settings: 'accepted',
    run: async invocation => {
      const { region } = requireConfig(invocation)
      await onInstallation(invocation, async (installation, by) => {
        const { account, project } = await createAccount(installation, by, {
          name: positional(invocation, 'name'),
          projectName: optionValue(invocation, 'project') ?? region,
        })
        const name = optionValue(invocation, 'user') ?? 'admin'
        const { password } = await createUser(installation, by, { account, name, isAdministrator: true })
        print(`account ${account.name}, project ${project.name}`)
        print(`administrator ${account.name}/${name}, password (shown once): ${password}`)
      })
      return 0
    },
  },
  {
    words: ['account', 'list'],
    summary: 'List the accounts.',
    examples: [{ line: 'stower account list', does: 'All accounts with their ids.' }],
    settings: 'accepted',
    run: async invocation => {
      await onInstallation(invocation, async ({ db }) => {
        const accounts = await selectAccounts(db.read, { limit: accountsPerPage })
        printTable(
          ['NAME', 'ID', 'CREATED'],
          accounts.map(account => [account.name, account.id, new Date(account.createdMs).toISOString()]),
        )
      })
      return 0
    },
  },
]
