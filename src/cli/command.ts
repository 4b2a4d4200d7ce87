import type { ConfigFlag } from '../config/sources.ts'
import type { Config, LoadedConfig } from '../config.ts'
import { DomainError } from '../core/errors.ts'
import type { CommandSpec } from './arguments.ts'

/** A command: how it is written, and what it does. */
export type Command = CommandSpec & {
  /** Answers the exit code. Throws `DomainError` with a sentence for the user. */
  readonly run: (invocation: Invocation) => Promise<number>
}

/** One use of a command. */
export type Invocation = {
  readonly positionals: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string | true>>
  /** Those that are settings. */
  readonly configFlags: readonly ConfigFlag[]
  /** Settings from file, environment and flags. */
  readonly loaded: LoadedConfig
}

/** The configuration of a command that needs one. Throws with every problem of it. */
export function requireConfig({ loaded }: Invocation): Config {
  if (loaded.kind === 'ok') return loaded.config
  throw new DomainError('parameter_invalid', loaded.problems.join('\n'))
}

/** An option's value; undefined when it was not given. */
export function optionValue({ options }: Invocation, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A positional that the parser made sure of. */
export function positional({ positionals }: Invocation, name: string): string {
  const value = positionals[name]
  if (value === undefined) throw new Error(`the command declares no positional ${name}`)
  return value
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Rows under headings, in columns as wide as their widest entry. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0)))
  for (const row of table) {
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}
