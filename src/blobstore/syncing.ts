import type { FileHandle } from 'node:fs/promises'
import { syncFolder } from './durable-folders.ts'

/** How what was written comes to the disk. */
export type Syncing = {
  content: (file: FileHandle) => Promise<void>
  folder: (path: string) => Promise<void>
}

/** Survives a power cut when it resolves. */
export const toDisk: Syncing = { content: file => file.datasync(), folder: syncFolder }

/** For a store that ends with its process: the kernel keeps what was written, and nobody asks for more. */
export const withoutSync: Syncing = { content: async () => {}, folder: async () => {} }
