import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Checkpoints } from '../../src/metadata/sqlite/checkpoints.ts'
import { openConnection } from '../../src/metadata/sqlite/connection.ts'
import { Writer } from '../../src/metadata/sqlite/writer.ts'

for (const death of ['throws', 'exits']) {
  test(`a checkpointer that ${death} while the writer waits for it stops neither writes nor the end`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stower-dying-'))
    const file = join(folder, 'written.db')
    const connection = openConnection(file, ['journal_mode = WAL', 'synchronous = OFF'])
    connection.raw.exec('CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)')
    const writer = new Writer(connection, async () => {})
    const paused = Promise.withResolvers<void>()
    const failures: string[] = []
    const checkpoints = new Checkpoints(
      new Worker(new URL('./dying-checkpointer.ts', import.meta.url).href, { name: death }),
      {
        file,
        pace: undefined,
        writer: {
          exclusively: work => {
            paused.resolve()
            return writer.exclusively(work)
          },
        },
        onFailure: message => failures.push(message),
      },
    )
    await paused.promise
    const key = 'during the pause'
    await writer.write(tx => tx.insertInto('settings').values({ key, value: '' }).execute(), 'sync')
    expect(connection.all('SELECT key FROM settings', [])).toEqual([{ key }])
    await checkpoints[Symbol.asyncDispose]()
    expect(failures).toHaveLength(1)
    connection.close()
    rmSync(folder, { recursive: true, force: true })
  }, 10_000)
}
