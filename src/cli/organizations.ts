import { administer } from '../app/administration.ts'
import { DomainError } from '../core/errors.ts'
import { type Command, type Invocation, optionValue, positional, print, printTable, requireConfig } from './command.ts'

const name = { name: 'name', about: 'the name of the organization' }

export const organizationCommands: readonly Command[] = [
  {
    words: ['organization', 'list'],
    summary: 'List the organizations of all accounts.',
    examples: [{ line: 'stower organization list', does: 'With what each has otherwise than the settings say.' }],
    settings: 'accepted',
    run: async invocation => {
      const organizations = await administer(requireConfig(invocation), each => each.listOrganizations())
      printTable(
        ['NAME', 'ACCOUNT', 'ID', 'SPARSE MANIFESTS'],
        organizations.map(each => [
          each.name,
          each.accountName,
          String(each.id),
          formatChoice(each.choices.sparseManifests),
        ]),
      )
      return 0
    },
  },
  {
    words: ['organization', 'show'],
    summary: 'Show what an organization has otherwise than the settings say.',
    positionals: [name],
    examples: [{ line: 'stower organization show group', does: 'Its account, its id and its choices.' }],
    settings: 'accepted',
    run: async invocation => {
      const wanted = positional(invocation, 'name')
      const config = requireConfig(invocation)
      const { choices, ...found } = await administer(config, each => each.getOrganization(wanted))
      print(`organization ${found.name}, account ${found.accountName}, id ${found.id}`)
      const byDefault = choices.sparseManifests === undefined ? ` (${formatChoice(config.sparseManifests)})` : ''
      print(`sparse manifests: ${formatChoice(choices.sparseManifests)}${byDefault}`)
      return 0
    },
  },
  {
    words: ['organization', 'set'],
    summary: 'Let an organization have it otherwise than the settings say.',
    positionals: [name],
    options: [
      {
        name: 'sparse-manifests',
        value: 'on|off|default',
        about: 'Whether manifests may name what the repository does not hold.',
      },
    ],
    examples: [
      { line: 'stower organization set group --sparse-manifests on', does: 'Accepts manifests of images in part.' },
      { line: 'stower organization set group --sparse-manifests default', does: 'What sparse_manifests says.' },
    ],
    settings: 'accepted',
    run: async invocation => {
      const wanted = positional(invocation, 'name')
      const sparseManifests = requireChoice(invocation, 'sparse-manifests')
      const changed = await administer(requireConfig(invocation), each =>
        each.setOrganization(wanted, { sparseManifests }),
      )
      print(`${changed.name} has sparse manifests: ${formatChoice(changed.choices.sparseManifests)}`)
      return 0
    },
  },
]

function requireChoice(invocation: Invocation, option: string): boolean | undefined {
  const text = optionValue(invocation, option)
  if (text === 'on' || text === 'off') return text === 'on'
  if (text === 'default') return undefined
  throw new DomainError('parameter_invalid', `--${option} is needed, and is on, off or default`)
}

function formatChoice(choice: boolean | undefined): string {
  if (choice === undefined) return 'default'
  return choice ? 'on' : 'off'
}
