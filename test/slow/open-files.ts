import { readdirSync, readlinkSync } from 'node:fs'

/** How many descriptors of a process are on files below `folder`; removed files count, too. */
export function openFilesBelow(folder: string, pid: number | 'self' = 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).filter(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(`${folder}/`)
    } catch {
      // Closed meanwhile.
      return false
    }
  }).length
}
