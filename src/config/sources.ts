import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { environmentNames, flagNames, type Target } from './names.ts'
import { formatOrigin, type Origin } from './origin.ts'
import { type SettingKey, settingOf } from './settings.ts'

/** A flag that the command line has split already: name without hyphens, value as typed. */
export type ConfigFlag = { readonly name: string; readonly value: string }

export type Environment = Readonly<Record<string, string | undefined>>

/** A value that a source gives to a setting, not yet parsed. */
export type Given = {
  readonly key: SettingKey
  readonly text: string
  readonly origin: Origin
  /** What a relative path in the value starts from. */
  readonly baseFolder: string
}

/** What one source says, and every problem in how it says it. */
export type SourceReport = { readonly givens: readonly Given[]; readonly problems: readonly string[] }

/** Reads the `STOWER_…` variables. An empty one counts as not set: compose files can't leave one out. */
export function readEnvironment(env: Environment, cwd: string): SourceReport {
  const givens: Given[] = []
  const problems: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('STOWER_') || value === undefined || value === '') continue
    const target = environmentNames.find(name)
    if (target === undefined) {
      if (!isForeignVariable(name, value)) problems.push(`${name}: no such setting${environmentNames.suggest(name)}`)
      continue
    }
    collect({ target, text: value, origin: { kind: 'environment', name }, baseFolder: cwd }, givens, problems)
  }
  return { givens, problems: [...problems, ...findDoubles(givens)] }
}

/** Reads the flags. A list may be given as several flags; everything else once. */
export function readFlags(flags: readonly ConfigFlag[], cwd: string): SourceReport {
  const givens: Given[] = []
  const problems: string[] = []
  for (const [name, values] of Map.groupBy(flags, flag => flag.name)) {
    const target = flagNames.find(name)
    const [first] = values
    if (target === undefined || first === undefined) {
      problems.push(`--${name}: no such flag${flagNames.suggest(name)}`)
    } else if (values.some(flag => flag.value === '')) {
      problems.push(`--${name} is empty: leave it out, or give it a value`)
    } else if (values.length > 1 && !settingOf(target.key).kind.isList) {
      problems.push(`--${name} is given ${values.length} times: give it once`)
    } else {
      const text = values.map(flag => flag.value).join(',')
      collect({ target, text, origin: { kind: 'flag', name }, baseFolder: cwd }, givens, problems)
    }
  }
  return { givens, problems: [...problems, ...findDoubles(givens)] }
}

/** Adds what a name in a source says: the text itself or, in its file form, what stands in that file. */
export function collect(
  said: { target: Target; text: string; origin: Exclude<Origin, { kind: 'default' }>; baseFolder: string },
  givens: Given[],
  problems: string[],
): void {
  const { target, text, origin, baseFolder } = said
  if (!target.isFileForm) {
    givens.push({ key: target.key, text, origin, baseFolder })
    return
  }
  const valueFile = resolve(baseFolder, text)
  const content = readText(valueFile)
  if (!content.ok) {
    problems.push(`${formatOrigin(origin)} names ${valueFile}, which cannot be read: ${content.reason}`)
    return
  }
  // Editors and `echo` end a file with a line break that is no part of the secret.
  const value = content.text.replace(/\r?\n$/, '')
  if (value === '') problems.push(`${formatOrigin(origin)} names ${valueFile}, which is empty`)
  else givens.push({ key: target.key, text: value, origin: { ...origin, valueFile }, baseFolder })
}

/** One source that says a value and also names a file for it, or says it twice. */
export function findDoubles(givens: readonly Given[]): string[] {
  const doubles = [...Map.groupBy(givens, given => given.key)].filter(([, same]) => same.length > 1)
  return doubles.map(
    ([key, same]) => `${key} is set by ${same.map(g => formatOrigin(g.origin)).join(' and by ')}: keep one`,
  )
}

export type TextFile = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

export function readText(file: string): TextFile {
  try {
    return { ok: true, text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return reasons[code] ?? error.message
}

/** Read by the launcher or the tests, or naming the configuration file itself. */
const ownVariables = new Set(['STOWER_CONFIG', 'STOWER_LAUNCHER_PIPE'])

/**
 * Variables with our prefix that are no settings. Kubernetes puts the addresses of a Service named `stower` (or
 * `stower-x`) into every pod: STOWER_SERVICE_HOST, STOWER_SERVICE_PORT, STOWER_PORT=tcp://…, STOWER_PORT_80_TCP_ADDR …
 */
function isForeignVariable(name: string, value: string): boolean {
  if (ownVariables.has(name) || name.startsWith('STOWER_TEST_')) return true
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true
  if (/_PORT(_\d+_(TCP|UDP|SCTP))?$/.test(name)) return /^(tcp|udp|sctp):\/\//.test(value)
  return /_PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$/.test(name)
}
