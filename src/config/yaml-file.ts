import { dirname } from 'node:path'
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { keyNames, type Target } from './names.ts'
import { formatOrigin } from './origin.ts'
import { settingKeys, settingOf } from './settings.ts'
import { collect, findDoubles, type Given, readText, type SourceReport } from './sources.ts'

/**
 * Reads the settings in a YAML file; messages call it `shownAs`. A key without a value counts as not set, and relative
 * paths start from the file's folder.
 */
export function readYamlFile(file: YamlFile): SourceReport {
  const content = readText(file.path)
  if (content.ok) return readYaml(content.text, { shownAs: file.shownAs, baseFolder: dirname(file.path) })
  const naming = file.namedBy === undefined ? '' : ` (named by ${file.namedBy})`
  return { givens: [], problems: [`${file.shownAs}${naming} cannot be read: ${content.reason}`] }
}

/** `path` is absolute; `namedBy` is what asked for this file, when it was asked for. */
export type YamlFile = { readonly path: string; readonly shownAs: string; readonly namedBy?: string }

function readYaml(text: string, place: { shownAs: string; baseFolder: string }): SourceReport {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const problems = document.errors.map(error => {
      const firstLine = error.message.split('\n')[0]
      return `${place.shownAs}:${lines.linePos(error.pos[0]).line}: ${firstLine}`
    })
    return { givens: [], problems }
  }
  const givens: Given[] = []
  const problems: string[] = []
  for (const entry of listEntries(document, lines)) {
    const origin = { kind: 'file', file: place.shownAs, line: entry.line } as const
    const read = readEntry(entry)
    if (read.kind === 'problem') problems.push(`${formatOrigin(origin)}: ${read.problem}`)
    else if (read.kind === 'value') collect({ ...read, origin, baseFolder: place.baseFolder }, givens, problems)
  }
  return { givens, problems: [...problems, ...findDoubles(givens)] }
}

/** What stands behind one key: `node` is the YAML below it, or null. */
type Entry = { readonly key: string; readonly line: number; readonly node: unknown }

/** The leaves of the document under their dotted keys. A map that is no group of settings is a leaf. */
function listEntries(document: Document.Parsed, lines: LineCounter): Entry[] {
  function walk(entry: Entry): Entry[] {
    const node = isAlias(entry.node) ? entry.node.resolve(document) : entry.node
    if (!isMap(node) || (entry.key !== '' && !isGroup(entry.key))) return [{ ...entry, node }]
    return node.items.flatMap(item => {
      const name = isScalar(item.key) ? String(item.key.value) : String(item.key)
      const range = isScalar(item.key) ? item.key.range : undefined
      const line = range ? lines.linePos(range[0]).line : entry.line
      return walk({ key: entry.key === '' ? name : `${entry.key}.${name}`, line, node: item.value })
    })
  }
  return walk({ key: '', line: 1, node: document.contents })
}

type ReadEntry =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'value'; readonly target: Target; readonly text: string }

function readEntry({ key, node }: Entry): ReadEntry {
  if (key === '') {
    return isEmpty(node) ? { kind: 'nothing' } : { kind: 'problem', problem: 'expected lines such as "key: value"' }
  }
  const target = keyNames.find(key)
  if (target === undefined) {
    if (!isGroup(key)) return { kind: 'problem', problem: `${key}: no such setting${keyNames.suggest(key)}` }
    if (isEmpty(node)) return { kind: 'nothing' }
    return { kind: 'problem', problem: `${key}: expected settings below it (${membersOf(key).join(', ')})` }
  }
  if (isEmpty(node)) return { kind: 'nothing' }
  const { kind } = settingOf(target.key)
  const text = textOf(node, kind.isList && !target.isFileForm)
  if (text !== undefined) return { kind: 'value', target, text }
  const found = isSeq(node) ? 'a list' : 'settings below it'
  return { kind: 'problem', problem: `${key}: expected ${kind.expected}, got ${found}` }
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && (node.value === null || node.value === ''))
}

/** A scalar as it was typed (`0123` stays `0123`), a list of scalars with commas; undefined for anything else. */
function textOf(node: unknown, isList: boolean): string | undefined {
  if (isScalar(node)) return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  if (!isList || !isSeq(node)) return undefined
  const items = node.items.map(item => (isScalar(item) ? textOf(item, false) : undefined))
  return items.includes(undefined) ? undefined : items.join(',')
}

function isGroup(key: string): boolean {
  return membersOf(key).length > 0
}

function membersOf(group: string): readonly string[] {
  return settingKeys.filter(key => key.startsWith(`${group}.`))
}
