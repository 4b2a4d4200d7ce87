import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { memoryBytes, processTree } from '../../bench/processes.ts'
import type { Database } from '../../src/metadata/database.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import type { Program } from '../program.ts'

/** What a program holds at one moment. */
export type Figures = {
  residentMib: number
  descriptors: number
  /** Sessions that a client could come back to, and those of them that a request is writing to. */
  uploads: number
  heldUploads: number
  stagedFiles: number
  blobs: number
  blobFiles: number
}

/** Looks at a running program from outside: at its process, its folder and its database. */
export async function openFigures(
  program: Program,
  databaseUrl?: string,
): Promise<{ take: () => Promise<Figures> } & AsyncDisposable> {
  const db: Database = await (databaseUrl === undefined
    ? openSqlite({ file: join(program.dataDir, 'stower.db'), checkpoints: 'on-close' })
    : openPostgres({ url: databaseUrl, connections: 1 }))
  const pid = serverProcess(program.pid)
  return {
    take: async () => {
      const [uploads, heldUploads, blobs] = await Promise.all([
        countRows(db, 'upload_sessions'),
        countRows(db, 'held'),
        countRows(db, 'blobs'),
      ])
      return {
        residentMib: Math.round(memoryBytes(pid, 'VmRSS') / 1024 / 1024),
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
        uploads,
        heldUploads,
        stagedFiles: countFiles(join(program.dataDir, 'uploads')),
        blobs,
        blobFiles: countFiles(join(program.dataDir, 'blobs')),
      }
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

/** The launcher waits, and the server is what it started. */
function serverProcess(launcher: number): number {
  const last = processTree(launcher).at(-1)
  if (last === undefined) throw new Error('the program has no process')
  return last
}

async function countRows(db: Database, what: 'upload_sessions' | 'held' | 'blobs'): Promise<number> {
  const rows =
    what === 'held'
      ? db.read.selectFrom('upload_sessions').where('lease_until_ms', '>', 0)
      : db.read.selectFrom(what as 'upload_sessions')
  const { count } = await rows.select(each => each.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return Number(count)
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    entry => entry.isFile() && entry.name !== '.probe',
  ).length
}
