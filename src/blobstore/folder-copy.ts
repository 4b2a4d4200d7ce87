import { constants, copyFile, link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobLocation } from './blobstore.ts'
import { durableFolders, syncFolder } from './durable-folders.ts'
import { errnoOf, findStats, ignoreAbsent } from './folder-errors.ts'
import { folderPaths, publishedPath } from './folder-layout.ts'

/** Content on its way from one data folder to another. Throws the system's errors about the other one. */
export type ContentCopy = {
  /**
   * By a hard link where both are on one file system (published content never changes), else by a copy. False when the
   * content isn't there in full or can't be read. What the other folder has already is left alone.
   */
  copy: (content: { location: BlobLocation; sizeBytes: number }) => Promise<boolean>
  /** Resolves when everything that was copied survives a power cut. */
  sync: () => Promise<void>
}

/** `toDataDir` must exist and be durable itself. */
export function openContentCopy(fromDataDir: string, toDataDir: string): ContentCopy {
  const [from, to] = [folderPaths(fromDataDir), folderPaths(toDataDir)]
  const folders = durableFolders(toDataDir)
  const filled = new Set<string>()
  return {
    copy: async ({ location, sizeBytes }) => {
      const source = publishedPath(from, location)
      const target = publishedPath(to, location)
      if ((await findStats(source))?.size !== sizeBytes) return false
      await folders.ensure(dirname(target))
      filled.add(dirname(target))
      return linkOrCopy(source, target)
    },
    // One after another: the disk is asked for one thing at a time.
    sync: async () => {
      for (const folder of filled) await syncFolder(folder)
    },
  }
}

async function linkOrCopy(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return true
  }
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE)
  } catch (error) {
    await ignoreAbsent(unlink(target))
    if (await isReadable(source)) throw error
    return false
  }
  const copy = await open(target, 'r+')
  try {
    await copy.sync()
  } finally {
    await copy.close()
  }
  return true
}

/** Whether a copy that failed did so for the sake of its source: the system's error doesn't tell. */
async function isReadable(path: string): Promise<boolean> {
  try {
    for await (const _chunk of Bun.file(path).stream());
    return true
  } catch {
    return false
  }
}
