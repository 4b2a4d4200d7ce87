import { describeConfig } from '../config/describe.ts'
import type { CommandSpec } from './arguments.ts'

/** Help about all commands that begin with `words`; about the whole program when it is empty. */
export function formatHelp(commands: readonly CommandSpec[], words: readonly string[] = []): string {
  const listed = commands.filter(command => words.every((word, index) => word === command.words[index]))
  const prefix = ['stower', ...words].join(' ')
  return join([
    words.length === 0 ? 'Stower: a private container registry with the SWR management API.' : undefined,
    `Usage: ${prefix} <command> [flags]`,
    section(
      'Commands',
      listed.map(command => [command.words.join(' '), command.summary]),
    ),
    `"${prefix} <command> --help" tells more about a command.`,
  ])
}

/** Help about one command: usage, what it takes, examples. */
export function formatCommandHelp(command: CommandSpec): string {
  const { words, summary, positionals = [], options = [], examples, settings } = command
  const places = positionals.map(({ name, isOptional }) =>
    isOptional === true ? `[${name.toUpperCase()}]` : name.toUpperCase(),
  )
  return join([
    summary,
    `Usage: ${['stower', ...words, ...places, '[flags]'].join(' ')}`,
    section(
      'Arguments',
      positionals.map(({ name, about }) => [name.toUpperCase(), about]),
    ),
    section('Flags', [
      ...options.map(
        ({ name, about, value }): Row => [value === undefined ? `--${name}` : `--${name} ${value}`, about],
      ),
      ['--help', 'Show this page.'],
    ]),
    settings === 'listed'
      ? section('Settings (also in stower.yaml and as STOWER_… variables)', settingRows())
      : undefined,
    settings === 'accepted'
      ? 'Settings such as --config and --data-dir are flags, too: "stower serve --help" lists them.'
      : undefined,
    ['Examples:', ...examples.map(({ line, does }) => `  # ${does}\n  ${line}`)].join('\n'),
  ])
}

type Row = readonly [name: string, about: string]

function settingRows(): Row[] {
  const rows = describeConfig().map(({ flag, about, default: standard, hasFileForm }): Row => {
    const firstSentence = (/^.*?\.(?= |$)/.exec(about)?.[0] ?? about).replaceAll('`', '')
    const notes = [
      ...(standard === undefined ? [] : [`default ${standard}`]),
      ...(hasFileForm ? [`or ${flag}-file FILE`] : []),
    ]
    return [`${flag} VALUE`, notes.length === 0 ? firstSentence : `${firstSentence} (${notes.join('; ')})`]
  })
  return [['--config FILE', 'The configuration file. (default stower.yaml, when there is one)'], ...rows]
}

function section(title: string, rows: readonly Row[]): string | undefined {
  if (rows.length === 0) return undefined
  const width = Math.max(...rows.map(([name]) => name.length))
  return [`${title}:`, ...rows.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`)].join('\n')
}

function join(parts: readonly (string | undefined)[]): string {
  return `${parts.filter(part => part !== undefined).join('\n\n')}\n`
}
