import { Database as Connection } from 'bun:sqlite'
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTrace, pathOf } from '../durability/trace.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { heldUpMs, openWithCheckpoints, watchLog, writeUntil } from './checkpoint-load.ts'

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'stower-checkpoint-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('under lasting writes the log is moved into the file again and again, and no write is lost or waits long', async () => {
  const file = join(folder, 'busy.db')
  const failures: string[] = []
  const db = await openWithCheckpoints(file, failures)
  using log = watchLog(file)
  const { keys, slowestMs } = await writeUntil(db, { clients: 8, isEnough: () => log.timesMoved() >= 4 })
  expect(slowestMs).toBeLessThan(heldUpMs)
  expect(failures).toEqual([])
  await db[Symbol.asyncDispose]()
  expect(missingIn(file, keys)).toEqual([])
}, 60_000)

test('a reader in another process that takes its time holds up no write, and loses none', async () => {
  const file = join(folder, 'read.db')
  const failures: string[] = []
  const db = await openWithCheckpoints(file, failures)
  const before = await writeUntil(db, { clients: 8, isEnough: rows => rows >= 100 })
  // As `stower backup` copies a large database: one long read transaction.
  const reader = Bun.spawn([process.execPath, '--no-env-file', join(import.meta.dir, 'slow-reader.ts'), file], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const said = reader.stdout
    .pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>
  const seen = (await said.read()).value
  expect(Number(seen)).toBeGreaterThanOrEqual(100)
  const during = await writeUntil(db, { clients: 8, isEnough: rows => rows >= 3_000 })
  reader.stdin.end()
  expect((await said.read()).value).toBe(seen)
  expect(await reader.exited).toBe(0)
  expect(during.slowestMs).toBeLessThan(heldUpMs)
  // Once the reader is gone the log is moved after all.
  using log = watchLog(file)
  const after = await writeUntil(db, { clients: 8, isEnough: () => log.timesMoved() >= 1 })
  expect(failures).toEqual([])
  await db[Symbol.asyncDispose]()
  expect(missingIn(file, [...before.keys, ...during.keys, ...after.keys])).toEqual([])
}, 60_000)

testWithTools(
  ['strace'],
  'checkpoints wait for the disk in a thread of their own, never in the event loop',
  async () => {
    const trace = join(folder, 'trace')
    const names = ['fsync', 'fdatasync', 'sync', 'syncfs', 'sync_file_range', 'msync', 'ftruncate', 'mkdir', 'mkdirat']
    const child = Bun.spawn(
      [
        ...[requireTool('strace'), '-f', '-y', '-o', trace, '-e', `trace=${names.join(',')}`],
        ...[process.execPath, '--no-env-file', join(import.meta.dir, 'checkpoint-child.ts'), folder],
      ],
      { stdout: 'inherit', stderr: 'inherit' },
    )
    expect(await child.exited).toBe(0)
    const text = readFileSync(trace, 'utf8')
    const calls = parseTrace(text)
    const at = (name: string) => calls.find(call => call.arguments.includes(`${folder}/${name}`))?.begunAt ?? Number.NaN
    const whileWriting = calls.filter(call => call.begunAt > at('begun') && call.begunAt < at('done'))
    // The first thread that a trace shows is the process itself; it runs the event loop.
    const eventLoop = Number(/^\d+/.exec(text)?.[0])
    const database = whileWriting.filter(call => pathOf(call) === `${folder}/traced.db`)
    const truncations = whileWriting.filter(
      call => call.name === 'ftruncate' && pathOf(call)?.endsWith('traced.db-wal'),
    )
    expect(database.length).toBeGreaterThanOrEqual(2)
    expect(truncations.length).toBeGreaterThanOrEqual(2)
    expect(
      whileWriting
        .filter(call => call.thread === eventLoop && call.name.includes('sync'))
        .map(call => `${call.name}(${pathOf(call)})`),
    ).toEqual([])
  },
  60_000,
)

/** The keys that the file does not hold with their whole value. */
function missingIn(file: string, keys: readonly string[]): string[] {
  const connection = new Connection(file, { readonly: true })
  const rows = connection.query('SELECT key, value FROM settings').all() as { key: string; value: string }[]
  connection.close()
  const held = new Map(rows.map(row => [row.key, row.value]))
  return keys.filter(key => held.get(key) !== key.padEnd(2_000, '.'))
}
