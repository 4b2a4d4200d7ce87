import { administer } from '../app/administration.ts'
import { type Command, optionValue, print, requireConfig } from './command.ts'

export const credentialsCommands: readonly Command[] = [
  {
    words: ['credentials', 'reset'],
    summary: 'Give an administrator a new password and access key; the old ones are void at once.',
    options: [
      { name: 'account', value: 'NAME', about: 'The account. (default: the first one)' },
      { name: 'user', value: 'NAME', about: 'The administrator. (default: the first one)' },
    ],
    examples: [{ line: 'stower credentials reset', does: 'When the credentials of the first start are lost.' }],
    settings: 'accepted',
    run: async invocation => {
      const shown = await administer(requireConfig(invocation), administration =>
        administration.resetCredentials({
          account: optionValue(invocation, 'account'),
          user: optionValue(invocation, 'user'),
        }),
      )
      print(`Account     ${shown.account}`)
      print(`Project     ${shown.project}`)
      print(`User        ${shown.user}`)
      print(`Password    ${shown.password}`)
      print(`Access key  ${shown.accessKey}`)
      print(`Secret key  ${shown.secretKey}`)
      return 0
    },
  },
]
