import { parseArgs } from 'node:util'
import { flagNames } from '../config/names.ts'
import { nearest } from '../config/nearest.ts'
import type { ConfigFlag } from '../config/sources.ts'

/** What the command line knows of a command: enough to parse its arguments and to write its help. */
export type CommandSpec = {
  /** `['user', 'create']` for `stower user create`. */
  readonly words: readonly [string, ...string[]]
  /** One sentence. */
  readonly summary: string
  /** In their order; optional ones last. */
  readonly positionals?: readonly PositionalSpec[]
  readonly options?: readonly OptionSpec[]
  /** Whole command lines, each with what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[]
  /** Whether settings may be given as flags; `listed` also puts them into the command's help. */
  readonly settings: 'listed' | 'accepted' | 'refused'
}

/** `name` stands in the help in capitals. */
export type PositionalSpec = { readonly name: string; readonly about: string; readonly isOptional?: boolean }

/** `value` names the value in the help (`FILE`); an option without it is a switch. */
export type OptionSpec = { readonly name: string; readonly about: string; readonly value?: string }

export type ParsedArguments<C extends CommandSpec> =
  | {
      readonly kind: 'run'
      readonly command: C
      /** By their names. */
      readonly positionals: Readonly<Record<string, string>>
      /** By their names; a switch is `true`. */
      readonly options: Readonly<Record<string, string | true>>
      /** For `loadConfig`. */
      readonly configFlags: readonly ConfigFlag[]
    }
  /** Without a command: help about those that begin with `words`, all of them when it is empty. */
  | { readonly kind: 'help'; readonly command?: C; readonly words: readonly string[] }
  | { readonly kind: 'problem'; readonly problem: string }

/**
 * Parses `<words> [positionals] [--flag value | --flag=value]`, in any order of flags and words; `--` ends the flags.
 * `-h`, `--help`, `help …` and no words at all ask for help; `--version` is the command `version`.
 */
export function parseArguments<C extends CommandSpec>(
  argv: readonly string[],
  commands: readonly C[],
): ParsedArguments<C> {
  const types = flagTypes(commands)
  const { tokens, positionals: words } = parseArgs({
    args: [...argv],
    options: types,
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  const flags = tokens.filter(token => token.kind === 'option')
  if (words[0] === 'help') return findHelp(words.slice(1), commands)
  if (flags.some(flag => flag.name === 'help')) return findHelp(words, commands)
  if (words.length === 0 && flags.some(flag => flag.name === 'version')) words.push('version')
  if (words.length === 0 && flags.length === 0) return { kind: 'help', words: [] }

  const command = findCommand(words, commands)
  if (command === undefined) {
    // The value behind an unknown flag looks like a command, so the flag is to blame.
    const stranger = flags.find(flag => types[flag.name] === undefined)
    const problem = stranger === undefined ? explainWords(words, commands) : explainFlag(stranger, Object.keys(types))
    return { kind: 'problem', problem }
  }
  const read = readFlags(
    flags.filter(flag => flag.name !== 'version' || command.words[0] !== 'version'),
    command,
  )
  if (typeof read === 'string') return { kind: 'problem', problem: read }
  const positionals = readPositionals(words.slice(command.words.length), command)
  if (typeof positionals === 'string') return { kind: 'problem', problem: positionals }
  return { kind: 'run', command, positionals, ...read }
}

/** Which flags take the argument behind them. A name must mean the same in all commands. */
function flagTypes(commands: readonly CommandSpec[]): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  const types: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  }
  for (const name of flagNames.all) types[name] = { type: 'string' }
  for (const { name, value } of commands.flatMap(command => command.options ?? [])) {
    types[name] = { type: value === undefined ? 'boolean' : 'string' }
  }
  return types
}

function findHelp<C extends CommandSpec>(words: readonly string[], commands: readonly C[]): ParsedArguments<C> {
  const command = findCommand(words, commands)
  if (command !== undefined) return { kind: 'help', command, words: command.words }
  const isGroup = commands.some(({ words: known }) => words.every((word, index) => word === known[index]))
  return isGroup ? { kind: 'help', words } : { kind: 'problem', problem: explainWords(words, commands) }
}

function findCommand<C extends CommandSpec>(words: readonly string[], commands: readonly C[]): C | undefined {
  const fitting = commands.filter(command => command.words.every((word, index) => word === words[index]))
  return fitting.sort((a, b) => b.words.length - a.words.length)[0]
}

function explainWords(words: readonly string[], commands: readonly CommandSpec[]): string {
  const [first = ''] = words
  const group = commands.filter(command => command.words[0] === first)
  const isInGroup = group.length > 0
  const choices = new Set(isInGroup ? group.map(command => command.words[1] ?? '') : commands.map(c => c.words[0]))
  const word = isInGroup ? words[1] : first
  const near = nearest(word ?? '', choices)
  const list = `stower ${isInGroup ? `${first} ` : ''}--help lists them`
  if (word === undefined || word === '') return `${isInGroup ? `stower ${first}` : 'stower'} needs a command (${list})`
  const path = isInGroup ? `${first} ${word}` : word
  return `there is no command "${path}"${near === undefined ? ` (${list})` : ` (did you mean ${near}?)`}`
}

function readPositionals(
  given: readonly string[],
  { words, positionals = [] }: CommandSpec,
): Record<string, string> | string {
  const missing = positionals.filter(({ isOptional }) => isOptional !== true)[given.length]
  if (missing !== undefined) return `stower ${words.join(' ')} needs ${missing.name.toUpperCase()}: ${missing.about}`
  const surplus = given[positionals.length]
  if (surplus !== undefined) return `stower ${words.join(' ')} does not take "${surplus}"`
  return Object.fromEntries(given.map((value, index) => [positionals[index]?.name ?? '', value]))
}

type Flag = {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function readFlags(
  flags: readonly Flag[],
  command: CommandSpec,
): { options: Record<string, string | true>; configFlags: ConfigFlag[] } | string {
  const options: Record<string, string | true> = {}
  const configFlags: ConfigFlag[] = []
  const own = new Map((command.options ?? []).map(option => [option.name, option]))
  for (const flag of flags) {
    const { name, rawName, value, inlineValue } = flag
    const option = own.get(name)
    const isSetting = option === undefined && command.settings !== 'refused' && flagNames.all.includes(name)
    if (option === undefined && !isSetting) {
      const settings = command.settings === 'refused' ? [] : flagNames.all
      return explainFlag(flag, [...own.keys(), ...settings, 'help'], command.words)
    }
    if (option !== undefined && option.value === undefined) {
      if (value !== undefined) return `${rawName} takes no value`
      options[name] = true
    } else if (value === undefined || (value.startsWith('-') && inlineValue !== true)) {
      return `${rawName} needs a value (${rawName}=VALUE when it begins with a hyphen)`
    } else if (option !== undefined) {
      options[name] = value
    } else {
      configFlags.push({ name, value })
    }
  }
  return { options, configFlags }
}

function explainFlag({ name, rawName }: Flag, candidates: readonly string[], words: readonly string[] = []): string {
  const command = ['stower', ...words].join(' ')
  const near = rawName.startsWith('--') ? nearest(name, candidates) : undefined
  return `${command} has no flag ${rawName} (${near === undefined ? `${command} --help lists the flags` : `did you mean --${near}?`})`
}
