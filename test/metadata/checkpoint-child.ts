import { mkdir } from 'node:fs/promises'
import { openWithCheckpoints, watchLog, writeUntil } from './checkpoint-load.ts'

// Run as `checkpoint-child.ts <folder>` under strace: folders that it makes mark the time in which it writes.
const folder = process.argv[2] ?? ''
const db = await openWithCheckpoints(`${folder}/traced.db`, [])
await mkdir(`${folder}/begun`)
{
  using log = watchLog(`${folder}/traced.db`)
  await writeUntil(db, { clients: 8, isEnough: () => log.timesMoved() >= 3 })
}
await mkdir(`${folder}/done`)
await db[Symbol.asyncDispose]()
