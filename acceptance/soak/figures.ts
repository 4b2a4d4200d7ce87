import { readdirSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { memoryBytes, processTree } from '../../bench/processes.ts'
import type { Database } from '../../src/metadata/database.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import type { Program } from '../program.ts'

/** What a program holds at one moment. */
export type Figures = {
  residentMib: number
  /** But for those of the database, which SQLite opens when it needs them. */
  descriptors: number
  /** Sessions that a client could come back to, and those of them that a request is writing to. */
  uploads: number
  heldUploads: number
  stagedFiles: number
  blobs: number
  blobFiles: number
  /** Files without a row, and rows of which a file is missing. */
  strays: number
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
      const [sessions, locations] = await Promise.all([
        db.read.selectFrom('upload_sessions').select(['id', 'offset_bytes', 'lease_until_ms']).execute(),
        db.read.selectFrom('blobs').select('location').execute(),
      ])
      const staged = listFiles(join(program.dataDir, 'uploads'))
      const published = listFiles(join(program.dataDir, 'blobs'))
      const blobs = locations.map(({ location }) => location)
      const withBytes = sessions.filter(session => session.offset_bytes > 0)
      return {
        residentMib: Math.round(memoryBytes(pid, 'VmRSS') / 1024 / 1024),
        descriptors: countDescriptors(pid, join(program.dataDir, 'stower.db')),
        uploads: sessions.length,
        heldUploads: sessions.filter(session => session.lease_until_ms > 0).length,
        stagedFiles: staged.length,
        blobs: blobs.length,
        blobFiles: published.length,
        strays:
          countMissing(
            staged,
            sessions.map(({ id }) => id),
          ) +
          countMissing(
            withBytes.map(({ id }) => id),
            staged,
          ) +
          countMissing(published, blobs) +
          countMissing(blobs, published),
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

function countDescriptors(pid: number, database: string): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter(name => {
    try {
      return !readlinkSync(join(folder, name)).startsWith(database)
    } catch {
      // Closed meanwhile.
      return false
    }
  }).length
}

/** Paths below a folder. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== '.probe')
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
}

function countMissing(wanted: readonly string[], there: readonly string[]): number {
  const known = new Set(there)
  return wanted.filter(name => !known.has(name)).length
}
