import { mkdir } from 'node:fs/promises'
import { openWithCheckpoints, writeFor } from './checkpoint-load.ts'

// Run as `checkpoint-child.ts <folder>` under strace: folders that it makes mark the time in which it writes.
const folder = process.argv[2] ?? ''
const db = await openWithCheckpoints(`${folder}/traced.db`, [])
await mkdir(`${folder}/begun`)
await writeFor(db, { ms: 1_000, clients: 8 })
await mkdir(`${folder}/done`)
await db[Symbol.asyncDispose]()
