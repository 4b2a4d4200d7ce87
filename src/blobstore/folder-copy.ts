import { constants, copyFile, link, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobLocation } from './blobstore.ts'
import { syncFolder } from './durable-folders.ts'
import { folderMode, folderPaths, publishedPath } from './folder-layout.ts'

/**
 * Gives another data folder the content at a location, durable when the promise resolves: by a hard link where both are
 * on one file system (published content never changes), else by a copy. Content that is there already is left alone.
 */
export async function copyContent(fromDataDir: string, toDataDir: string, location: BlobLocation): Promise<void> {
  const source = publishedPath(folderPaths(fromDataDir), location)
  const target = publishedPath(folderPaths(toDataDir), location)
  await mkdir(dirname(target), { recursive: true, mode: folderMode })
  try {
    await link(source, target)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST') return
    if (code === 'ENOENT') throw error
    await copyFile(source, target, constants.COPYFILE_FICLONE)
    const copy = await open(target, 'r+')
    await copy.sync()
    await copy.close()
  }
  await syncFolder(dirname(target))
}
