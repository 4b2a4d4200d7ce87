import { administer } from '../app/administration.ts'
import { type Command, optionValue, positional, print, printTable, requireConfig } from './command.ts'

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
      const administrator = optionValue(invocation, 'user') ?? 'admin'
      const made = await administer(requireConfig(invocation), administration =>
        administration.createAccount({
          name: positional(invocation, 'name'),
          project: optionValue(invocation, 'project'),
          administrator,
        }),
      )
      print(`account ${made.account.name}, project ${made.project}`)
      print(`administrator ${made.account.name}/${administrator}`)
      print(`password (shown once): ${made.password}`)
      return 0
    },
  },
  {
    words: ['account', 'list'],
    summary: 'List the accounts.',
    examples: [{ line: 'stower account list', does: 'All accounts with their ids.' }],
    settings: 'accepted',
    run: async invocation => {
      const accounts = await administer(requireConfig(invocation), administration => administration.listAccounts())
      printTable(
        ['NAME', 'ID', 'CREATED'],
        accounts.map(account => [account.name, account.id, new Date(account.createdMs).toISOString()]),
      )
      return 0
    },
  },
]
