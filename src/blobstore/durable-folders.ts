import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './folder-errors.ts'
import { folderMode } from './folder-layout.ts'

/** Folders that are known to survive a power cut, so that each is made and synced once in the life of a process. */
export type DurableFolders = {
  /**
   * Resolves when `path` exists and its entry in its parent is on disk. Missing parents are made the same way, down
   * from `root`, which must exist. Costs nothing from the second time on. Throws the system's errors.
   */
  ensure(path: string): Promise<void>
  /** Of a folder that was found not to be there: it is made again when it is next asked for. */
  forget(path: string): void
}

/** `root` must exist and be durable itself; `sync` puts a folder's entries on disk. */
export function durableFolders(root: string, sync: (folder: string) => Promise<void> = syncFolder): DurableFolders {
  const known = new Map<string, Promise<void>>([[root, Promise.resolve()]])

  async function makeDurable(path: string): Promise<void> {
    const parent = dirname(path)
    await ensure(parent)
    await makeFolder(path)
    // Also when it was there: the process that made it may have been killed before it got here.
    await sync(parent)
  }

  function ensure(path: string): Promise<void> {
    const pending = known.get(path)
    if (pending !== undefined) return pending
    const made = makeDurable(path).catch(error => {
      known.delete(path)
      throw error
    })
    known.set(path, made)
    return made
  }

  return { ensure, forget: path => void known.delete(path) }
}

/** Makes a folder with those above it that are missing, each durable. One that is there is left as it is. */
export async function makeDurableFolder(path: string): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true, mode: folderMode })
  if (firstMade === undefined) return
  // Every folder on the way from the first one made has a new entry in its parent.
  for (let made = path; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Puts a folder's entries on disk: names made, renamed or removed in it before the call survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: folderMode })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}
