import { administer } from '../app/administration.ts'
import { type Command, optionValue, positional, print, printTable, requireConfig } from './command.ts'

const account = { name: 'account', value: 'NAME', about: 'The account. (default: the first one)' }

/** Logins with an end: those of docker, and temporary access keys. */
export const loginCommands: readonly Command[] = [
  {
    words: ['login', 'list'],
    summary: 'List the logins with an end that are under way: of docker, and temporary access keys.',
    options: [account],
    examples: [{ line: 'stower login list', does: 'Their ids, users, kinds and ends, never their secrets.' }],
    settings: 'accepted',
    run: async invocation => {
      const logins = await administer(requireConfig(invocation), administration =>
        administration.listLogins({ account: optionValue(invocation, 'account') }),
      )
      printTable(
        ['LOGIN', 'USER', 'KIND', 'ENDS'],
        logins.map(login => [login.id, login.userName, login.kind, new Date(login.expiresMs).toISOString()]),
      )
      return 0
    },
  },
  {
    words: ['login', 'revoke'],
    summary: 'End a login at once, with every token made with it.',
    positionals: [{ name: 'login', about: 'its id: what stands behind the @ of its user name, or the access key' }],
    options: [account],
    examples: [{ line: 'stower login revoke AK0123456789ABCDEF01', does: 'Whoever has it is refused.' }],
    settings: 'accepted',
    run: async invocation => {
      const id = positional(invocation, 'login')
      await administer(requireConfig(invocation), administration =>
        administration.revokeLogin({ account: optionValue(invocation, 'account'), id }),
      )
      print(`${id} is revoked`)
      return 0
    },
  },
]
