import { type Asked, collectGarbage, foreseeGarbage } from '../app/garbage.ts'
import type { Config } from '../config.ts'
import { type Command, print, requireConfig } from './command.ts'

const kinds = {
  repository: ['deleted repository', 'deleted repositories'],
  upload: ['abandoned upload', 'abandoned uploads'],
  link: ['link to a blob', 'links to blobs'],
  body: ['manifest', 'manifests'],
  blob: ['blob', 'blobs'],
  stray: ['stray file', 'stray files'],
  missing: ['blob without its bytes', 'blobs without their bytes'],
} as const

type Kind = keyof typeof kinds

export const gcCommand: Command = {
  words: ['gc'],
  summary: 'Remove now what nobody needs, as the server does by itself in the background; it may run meanwhile.',
  options: [{ name: 'dry-run', about: 'List what would go and why, and change nothing.' }],
  examples: [
    { line: 'stower gc --dry-run', does: 'What would go: one line each with its size and the reason, then the sums.' },
    { line: 'stower gc', does: 'Make room now.' },
    {
      line: 'stower gc --gc-grace 1h',
      does: 'Also what was pushed more than an hour ago and never got a manifest. A push that lasts longer fails then, and has to be done again; without the flag nothing goes before the server itself would take it.',
    },
  ],
  settings: 'accepted',
  run: async invocation => {
    const config = requireConfig(invocation)
    const { loaded } = invocation
    const isAsked = loaded.kind === 'ok' && loaded.origins['gc.grace'].kind === 'flag'
    const asked: Asked = isAsked ? { graceMs: config.gc.graceMs } : {}
    await (invocation.options['dry-run'] === true ? foresee(config, asked) : collect(config, asked))
    return 0
  },
}

async function foresee(config: Config, asked: Asked): Promise<void> {
  const sums = new Map<Kind, { objects: number; bytes: number }>()
  for await (const { kind, name, sizeBytes, why } of foreseeGarbage(config, asked)) {
    const sum = sums.get(kind) ?? { objects: 0, bytes: 0 }
    sums.set(kind, { objects: sum.objects + 1, bytes: sum.bytes + (sizeBytes ?? 0) })
    print(
      `${kind.padEnd(10)}  ${(sizeBytes === undefined ? '' : formatBytes(sizeBytes)).padStart(10)}  ${name}  ${why}`,
    )
  }
  if (sums.size === 0) {
    print('Nothing would go.')
    return
  }
  const { missing, ...going } = Object.fromEntries(sums)
  print(`Would go: ${list(going)}`)
  if (missing) print(`Damaged: ${count('missing', missing.objects)}`)
}

async function collect(config: Config, asked: Asked): Promise<void> {
  const { removed, uploads, repositories, left, missing, foreign } = await collectGarbage(config, asked)
  const gone = {
    repository: { objects: repositories, bytes: 0 },
    upload: { objects: uploads, bytes: 0 },
    ...removed,
  }
  print(`Removed: ${list(gone) || 'nothing'}`)
  if (left > 0) print(`Left for the next time: ${left}; a backup is being taken, or they could not be removed.`)
  if (missing > 0) print(`Damaged: ${count('missing', missing)}; stower gc --dry-run names them.`)
  if (foreign > 0) print(`Left alone: ${foreign} files of the blob store that are older than this installation.`)
}

function list(sums: Partial<Record<Kind, { objects: number; bytes: number }>>): string {
  return (Object.entries(sums) as [Kind, { objects: number; bytes: number }][])
    .filter(([, { objects }]) => objects > 0)
    .map(([kind, { objects, bytes }]) => `${count(kind, objects)}${bytes > 0 ? ` (${formatBytes(bytes)})` : ''}`)
    .join(', ')
}

function count(kind: Kind, objects: number): string {
  return `${objects} ${kinds[kind][objects === 1 ? 0 : 1]}`
}

/** With the largest binary unit that leaves one whole, and a digit behind the point. */
function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}
