import { administer } from '../app/administration.ts'
import { DomainError } from '../core/errors.ts'
import { type Command, optionValue, print, requireConfig } from './command.ts'

export const explainCommand: Command = {
  words: ['explain'],
  summary: 'Say why a user may do something, or may not: every rule that is looked at.',
  options: [
    { name: 'user', value: 'NAME', about: 'Who asks. (default: nobody in particular)' },
    { name: 'account', value: 'NAME', about: 'The account of the user. (default: the first one)' },
    { name: 'action', value: 'ACTION', about: 'pull, push or delete, or an action of `stower explain --action list`.' },
    { name: 'repository', value: 'NAME', about: 'The image repository: organization/repository.' },
    { name: 'organization', value: 'NAME', about: 'The organization, for what is done to it as a whole.' },
  ],
  examples: [
    { line: 'stower explain --user ci --action push --repository group/app', does: 'The last line decides.' },
    { line: 'stower explain --action pull --repository group/app', does: 'Whether everyone may pull it.' },
  ],
  settings: 'accepted',
  run: async invocation => {
    const action = optionValue(invocation, 'action')
    if (action === undefined) throw new DomainError('parameter_invalid', '--action is needed: e.g. --action push')
    const explained = await administer(requireConfig(invocation), administration =>
      administration.explain({
        account: optionValue(invocation, 'account'),
        user: optionValue(invocation, 'user'),
        action,
        organization: optionValue(invocation, 'organization'),
        repository: optionValue(invocation, 'repository'),
      }),
    )
    if (explained.kind === 'actions') {
      for (const each of explained.actions) print(each)
      return 0
    }
    for (const line of explained.looked) print(`  ${line}`)
    const { who, isAllowed, reasons } = explained
    print(`${who} ${isAllowed ? 'may' : 'may not'} ${explained.action} ${explained.what}: ${reasons.join('; ')}`)
    return isAllowed ? 0 : 1
  },
}
