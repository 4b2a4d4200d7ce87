import { createAccessKey, disableAccessKey, enableAccessKey } from '../core/accounts/access-keys.ts'
import { getAccount } from '../core/accounts/accounts.ts'
import { selectAccessKeys } from '../core/accounts/queries.ts'
import { getUser } from '../core/accounts/users.ts'
import { type Command, type Invocation, optionValue, positional, print, printTable } from './command.ts'
import { onInstallation } from './on-installation.ts'

const keysPerPage = 10_000

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
      await onInstallation(invocation, async (installation, by) => {
        const { id } = await getAccount(installation, optionValue(invocation, 'account'))
        const user = await getUser(installation, id, { name: positional(invocation, 'user') })
        const key = await createAccessKey(installation, by, user)
        print(`access key: ${key.id}`)
        print(`secret key (shown once): ${key.secret}`)
      })
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
      await onInstallation(invocation, async installation => {
        const { id } = await getAccount(installation, optionValue(invocation, 'account'))
        const keys = await selectAccessKeys(installation.db.read, { accountId: id }, { limit: keysPerPage })
        printTable(
          ['ACCESS KEY', 'USER', 'STATE', 'CREATED'],
          keys.map(key => [
            key.id,
            key.userName,
            key.isEnabled ? 'enabled' : 'disabled',
            new Date(key.createdMs).toISOString(),
          ]),
        )
      })
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
    run: invocation => changeKey(invocation, disableAccessKey, 'disabled'),
  },
  {
    words: ['access-key', 'enable'],
    summary: 'Let a disabled access key count again.',
    positionals: [{ name: 'key', about: 'the access key' }],
    options: [account],
    examples: [{ line: 'stower access-key enable AK0123456789ABCDEF01', does: 'Tokens from before stay void.' }],
    settings: 'accepted',
    run: invocation => changeKey(invocation, enableAccessKey, 'enabled'),
  },
]

async function changeKey(invocation: Invocation, change: typeof disableAccessKey, state: string): Promise<number> {
  await onInstallation(invocation, async (installation, by) => {
    const { id: accountId } = await getAccount(installation, optionValue(invocation, 'account'))
    const id = positional(invocation, 'key')
    await change(installation, by, { accountId, id })
    print(`${id} is ${state}`)
  })
  return 0
}
