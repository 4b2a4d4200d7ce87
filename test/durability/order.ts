import { dirname } from 'node:path'
import { pathOf, type SystemCall, stringsOf } from './trace.ts'

/**
 * What a trace of a server breaks of the promise that what was answered survives a power cut, one sentence each. `promises`
 * are the answers that promise so, of requests that were made one after another. What it holds the trace against:
 *
 *   bytes written → synced → renamed into place → folder synced, those of new folders too
 *   → transaction written to the log → log synced → answer sent
 *
 * and the thread of the event loop syncs nothing while it serves.
 */
export function findBreaches(calls: readonly SystemCall[], dataDir: string, promises: readonly SystemCall[]): string[] {
  const renames = findPublished(calls, dataDir)
  return [
    ...renames.flatMap(rename => breachesOfRename(calls, rename, promises, dataDir)),
    ...calls.filter(call => isNewFolder(call, dataDir)).flatMap(folder => breachesOfFolder(calls, folder, promises)),
    ...promises.flatMap((answer, index) => breachesOfAnswer(calls, answer, promises[index - 1], dataDir)),
    ...breachesOfEventLoop(calls),
  ]
}

/** All answers of a trace, in their order. */
export function findAnswers(calls: readonly SystemCall[]): SystemCall[] {
  return calls.filter(isAnswer)
}

export function statusOf(answer: SystemCall): number {
  return Number(/"HTTP\/1\.1 (\d{3})/.exec(answer.arguments)?.[1])
}

/** Renames that put bytes into their place. */
export function findPublished(calls: readonly SystemCall[], dataDir: string): SystemCall[] {
  return calls.filter(call => isDone(call, ['rename', 'renameat', 'renameat2']) && isInto(call, dataDir))
}

const writes = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2']
const sends = ['write', 'writev', 'send', 'sendto', 'sendmsg']
const fileSyncs = ['fsync', 'fdatasync']
const anySyncs = [...fileSyncs, 'sync', 'syncfs', 'sync_file_range', 'msync']

function breachesOfRename(
  calls: readonly SystemCall[],
  rename: SystemCall,
  answers: readonly SystemCall[],
  dataDir: string,
): string[] {
  const [from = '', to = ''] = stringsOf(rename)
  const answer = answers.find(each => each.begunAt > rename.endedAt)
  const breaches: string[] = []
  const written = calls.filter(call => writes.includes(call.name) && pathOf(call) === from)
  if (written.length === 0) breaches.push(`no bytes were written to ${from}`)
  if (!isSynced(calls, from, { after: last(written), before: rename })) {
    breaches.push(`${from} was renamed before its bytes were synced`)
  }
  const folder = dirname(to)
  const synced = calls.find(call => isSyncOf(call, folder) && call.begunAt > rename.endedAt)
  if (!synced || (answer && synced.endedAt > answer.begunAt)) {
    breaches.push(`the folder ${folder} was not synced between the rename and the answer`)
  }
  const early = logWrites(calls, dataDir).find(
    call => call.begunAt > rename.begunAt && call.begunAt < (synced?.endedAt ?? rename.begunAt),
  )
  if (early) breaches.push(`the log was written before the folder ${folder} was synced`)
  return breaches
}

function breachesOfFolder(calls: readonly SystemCall[], folder: SystemCall, answers: readonly SystemCall[]): string[] {
  const [path = ''] = stringsOf(folder)
  const parent = dirname(path)
  const answer = answers.find(each => each.begunAt > folder.endedAt)
  const isKept = answer === undefined || isSynced(calls, parent, { after: folder, before: answer })
  return isKept ? [] : [`the new folder ${path} was not synced in ${parent} before the answer`]
}

function breachesOfAnswer(
  calls: readonly SystemCall[],
  answer: SystemCall,
  previous: SystemCall | undefined,
  dataDir: string,
): string[] {
  const written = logWrites(calls, dataDir).filter(
    call => call.begunAt < answer.begunAt && call.begunAt > (previous?.endedAt ?? -1),
  )
  if (written.length === 0) return [`${statusOf(answer)} was sent before anything was written to the log`]
  return isSynced(calls, logOf(dataDir), { after: last(written), before: answer })
    ? []
    : [`${statusOf(answer)} was sent before the log was synced`]
}

function breachesOfEventLoop(calls: readonly SystemCall[]): string[] {
  const listening = calls.find(call => call.name === 'listen')
  const accepting = calls.find(call => call.name.startsWith('accept') && call.begunAt > (listening?.endedAt ?? 0))
  if (!listening || !accepting) return ['the trace has no thread that accepts connections']
  // A stop closes the database after the last answer, and may wait for the disk.
  const lastAnswer = last(calls.filter(isAnswer))
  return calls
    .filter(call => call.thread === accepting.thread && call.begunAt > listening.endedAt)
    .filter(call => call.begunAt < (lastAnswer?.begunAt ?? Number.POSITIVE_INFINITY))
    .filter(call => anySyncs.includes(call.name))
    .map(call => `the event loop waited for ${call.name}(${pathOf(call) ?? ''})`)
}

function isAnswer(call: SystemCall): boolean {
  return sends.includes(call.name) && call.arguments.includes('"HTTP/1.1 ')
}

function isInto(rename: SystemCall, dataDir: string): boolean {
  return stringsOf(rename)[1]?.startsWith(`${dataDir}/blobs/`) === true
}

function isNewFolder(call: SystemCall, dataDir: string): boolean {
  return isDone(call, ['mkdir', 'mkdirat']) && stringsOf(call)[0]?.startsWith(`${dataDir}/blobs/`) === true
}

function isDone(call: SystemCall, names: readonly string[]): boolean {
  return names.includes(call.name) && call.result === '0'
}

function isSyncOf(call: SystemCall, path: string): boolean {
  return isDone(call, fileSyncs) && pathOf(call) === path
}

function isSynced(
  calls: readonly SystemCall[],
  path: string,
  between: { after: SystemCall | undefined; before: SystemCall },
): boolean {
  const afterLine = between.after?.endedAt ?? -1
  return calls.some(call => isSyncOf(call, path) && call.begunAt > afterLine && call.endedAt < between.before.begunAt)
}

function logWrites(calls: readonly SystemCall[], dataDir: string): SystemCall[] {
  return calls.filter(call => writes.includes(call.name) && pathOf(call) === logOf(dataDir))
}

function logOf(dataDir: string): string {
  return `${dataDir}/stower.db-wal`
}

function last(calls: readonly SystemCall[]): SystemCall | undefined {
  return calls.reduce<SystemCall | undefined>(
    (latest, call) => (latest && latest.endedAt > call.endedAt ? latest : call),
    undefined,
  )
}
