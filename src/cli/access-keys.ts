import { administer } from '../app/administration.ts'
import { type Command, type Invocation, optionValue, positional, print, printTable, requireConfig } from './command.ts'

const account = { name: 'account', value: 'NAME', about: 'The account. (default: the first one)' }

export const accessKeyCommands: readonly Command[] = [
  {
    words: ['access-key', 'create'],
    summary: 'Make an access key (AK/SK) of a user; the secret key is shown once.',
    positionals: [{ name: 'user', about: 'the user it acts for' }],
    options: [account],
    examples: [{ line: 'stower access-key create ci', does: 'For Terraform, SDKs and docker login.' }],
    settings: 'accepted',
    run: async invocation => {
      const key = await administer(requireConfig(invocation), administration =>
        administration.createAccessKey({
          account: optionValue(invocation, 'account'),
          user: positional(invocation, 'user'),
        }),
      )
      print(`access key: ${key.id}`)
      print(`secret key (shown once): ${key.secret}`)
      return 0
    },
  },
  {
    words: ['access-key', 'list'],
    summary: 'List the access keys of an account.',
    options: [account],
    examples: [{ line: 'stower access-key list', does: 'Keys with their users and states, never their secrets.' }],
    settings: 'accepted',
    run: async invocation => {
      const keys = await administer(requireConfig(invocation), administration =>
        administration.listAccessKeys({ account: optionValue(invocation, 'account') }),
      )
      printTable(
        ['ACCESS KEY', 'USER', 'STATE', 'CREATED'],
        keys.map(key => [
          key.id,
          key.userName,
          key.isEnabled ? 'enabled' : 'disabled',
          new Date(key.createdMs).toISOString(),
        ]),
      )
      return 0
    },
  },
  {
    words: ['access-key', 'disable'],
    summary: 'End an access key at once, with every login and token made with it.',
    positionals: [{ name: 'key', about: 'the access key' }],
    options: [account],
    examples: [{ line: 'stower access-key disable AK0123456789ABCDEF01', does: 'Whatever uses it is refused.' }],
    settings: 'accepted',
    run: invocation => setEnabled(invocation, false),
  },
  {
    words: ['access-key', 'enable'],
    summary: 'Let a disabled access key count again.',
    positionals: [{ name: 'key', about: 'the access key' }],
    options: [account],
    examples: [{ line: 'stower access-key enable AK0123456789ABCDEF01', does: 'Tokens from before stay void.' }],
    settings: 'accepted',
    run: invocation => setEnabled(invocation, true),
  },
]

async function setEnabled(invocation: Invocation, isEnabled: boolean): Promise<number> {
  const id = positional(invocation, 'key')
  await administer(requireConfig(invocation), administration =>
    administration.setAccessKeyEnabled({ account: optionValue(invocation, 'account'), id, isEnabled }),
  )
  print(`${id} is ${isEnabled ? 'enabled' : 'disabled'}`)
  return 0
}
