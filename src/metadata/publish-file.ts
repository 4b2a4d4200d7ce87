import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Gives a finished file its name, whole or not at all, and makes both durable. Takes the place of what has the name. */
export async function publishFile(partial: string, file: string): Promise<void> {
  const content = await open(partial, 'r+')
  await content.chmod(0o600)
  await content.sync()
  await content.close()
  await rename(partial, file)
  await syncFolder(dirname(file))
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}
