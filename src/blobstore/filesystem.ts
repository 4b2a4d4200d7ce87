import { constants, type Stats, statSync } from 'node:fs'
import { access, type FileHandle, open, readdir, readFile, rename, stat, statfs, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DomainError, isDomainError } from '../core/errors.ts'
import type { ByteRange } from '../protocol/oci/range.ts'
import type {
  BlobContent,
  BlobLocation,
  BlobStore,
  ContentDigest,
  ContentPage,
  StagedUpload,
  UploadState,
  UploadWriter,
} from './blobstore.ts'
import { type DurableFolders, durableFolders, makeDurableFolder } from './durable-folders.ts'
import { streamFile } from './file-stream.ts'
import {
  errnoOf,
  type FileCall,
  findStats,
  ignoreAbsent,
  requireFolder,
  toCheckError,
  toDomainError,
  translateErrors,
} from './folder-errors.ts'
import {
  type FolderPaths,
  fileMode,
  folderPaths,
  formatLocation,
  isUploadId,
  parseLocation,
  publishedPath,
  stagedPath,
} from './folder-layout.ts'
import { FolderList } from './folder-list.ts'
import { FolderWriter } from './folder-writer.ts'
import { mostSmallBytes, SmallContent } from './small-content.ts'
import { type Syncing, toDisk, withoutSync } from './syncing.ts'
import { WriteMemory } from './write-memory.ts'

/*
 * The blob store in a folder; folder-layout.ts has the drawing. No file operation but the look at published content
 * runs on the event loop, and several wait for a disk: the process must be started with UV_THREADPOOL_SIZE well above the
 * number of cores.
 */

/**
 * How far a commit has come: `staged` its bytes are complete and not yet synced, `synced` they are on disk, `renamed`
 * they stand at their location, `published` the location survives a power cut.
 */
export type CommitStep = 'staged' | 'synced' | 'renamed' | 'published'

export type FilesystemStoreOptions = {
  /** Made when it is missing; its parent too. */
  dataDir: string
  /** False where nothing has to survive a power cut; true unless it is given. */
  syncs?: boolean
  /** Called at each step of every commit, which waits for it: where a crash test stops the process. */
  atCommitStep?: (step: CommitStep) => void | Promise<void>
}

/**
 * Opens the store in `dataDir` and makes the folders that are missing. One process at a time: the caller holds the
 * lock of the data folder. Throws `unavailable` when the folder cannot be used.
 */
export async function openFilesystemStore(options: FilesystemStoreOptions): Promise<BlobStore> {
  const paths = folderPaths(resolve(options.dataDir))
  try {
    await makeDurableFolder(paths.dataDir)
    const syncing = options.syncs === false ? withoutSync : toDisk
    const folders = durableFolders(paths.dataDir, syncing.folder)
    await folders.ensure(paths.blobsDir)
    await folders.ensure(paths.uploadsDir)
    await requireOneFileSystem(paths)
    return new FilesystemStore({ paths, folders, syncing, atCommitStep: options.atCommitStep ?? noStep })
  } catch (error) {
    throw toCheckError(paths.dataDir, error)
  }
}

type StoreParts = {
  paths: FolderPaths
  folders: DurableFolders
  syncing: Syncing
  atCommitStep: (step: CommitStep) => void | Promise<void>
}

class FilesystemStore implements BlobStore {
  readonly #paths: FolderPaths
  readonly #folders: DurableFolders
  readonly #syncing: Syncing
  readonly #atCommitStep: (step: CommitStep) => void | Promise<void>
  readonly #small = new SmallContent()
  readonly #list: FolderList
  readonly #closeOpenFiles = new Set<() => Promise<void>>()
  /** Who writes to which upload; this process is the only one on the folder. */
  readonly #writers = new Map<string, FolderWriter>()
  readonly #memory = new WriteMemory(mostHeldBytes)

  constructor({ paths, folders, syncing, atCommitStep }: StoreParts) {
    this.#paths = paths
    this.#folders = folders
    this.#syncing = syncing
    this.#list = new FolderList(paths)
    this.#atCommitStep = atCommitStep
  }

  /** Touches no disk: the file is made when its first byte comes. */
  async startUpload(uploadId: string): Promise<UploadState> {
    stagedPath(this.#paths, uploadId)
    return folderState
  }

  async openUpload({ uploadId, offsetBytes, state }: StagedUpload): Promise<UploadWriter> {
    await this.#fence(uploadId)
    const file = await this.#openToWrite(uploadId, offsetBytes)
    const close = () => writer[Symbol.asyncDispose]()
    const onClose = () => {
      this.#closeOpenFiles.delete(close)
      if (this.#writers.get(uploadId) === writer) this.#writers.delete(uploadId)
    }
    const sync = () => dropUnlessSynced(stagedPath(this.#paths, uploadId), () => this.#syncing.content(file))
    const writer = new FolderWriter({ file, offsetBytes, state, memory: this.#memory, sync, onClose })
    this.#closeOpenFiles.add(close)
    this.#writers.set(uploadId, writer)
    return writer
  }

  /**
   * Ends a writer that lost its upload to another request without knowing. Its file would be the published one after a
   * rename, and what it still holds must never get there.
   */
  async #fence(uploadId: string): Promise<void> {
    await this.#writers.get(uploadId)?.[Symbol.asyncDispose]()
  }

  async readUpload({ uploadId, offsetBytes }: StagedUpload): Promise<ReadableStream<Uint8Array>> {
    if (offsetBytes === 0) return new Blob([]).stream()
    const path = stagedPath(this.#paths, uploadId)
    const file = await this.#touchStaged('opening staged content', () => openAtLeast(path, 'r', offsetBytes))
    const close = async () => {
      if (this.#closeOpenFiles.delete(close)) await file.close()
    }
    this.#closeOpenFiles.add(close)
    return streamFile(file, { sizeBytes: offsetBytes, close })
  }

  /** Also finishes a commit of the same upload that was cut after its rename. */
  async commit(upload: StagedUpload, digest: ContentDigest): Promise<BlobLocation> {
    const location = formatLocation(digest, upload.uploadId)
    const target = publishedPath(this.#paths, location)
    try {
      await this.#syncStaged(upload)
      await this.#atCommitStep('synced')
      await this.#moveStaged(upload, target)
    } catch (error) {
      if (!isDomainError(error, 'upload_unknown') || (await findSizeBytes(target)) !== upload.offsetBytes) throw error
    }
    await this.#atCommitStep('renamed')
    await dropUnlessSynced(target, () => this.#syncing.folder(dirname(target)))
    await this.#atCommitStep('published')
    return location
  }

  async retract({ uploadId }: StagedUpload, location: BlobLocation): Promise<void> {
    this.#small.drop(location)
    const path = publishedPath(this.#paths, location)
    await translateErrors({ doing: 'taking back content', absent: 'upload_unknown' }, async () => {
      await rename(path, stagedPath(this.#paths, uploadId))
      // Synced, so that after a power cut the bytes don't stand where nothing knows them.
      await this.#syncing.folder(dirname(path))
    })
  }

  async abort({ uploadId }: StagedUpload): Promise<void> {
    if (!isUploadId(uploadId)) return
    await this.#fence(uploadId)
    await translateErrors({ doing: 'dropping an upload' }, () =>
      ignoreAbsent(unlink(stagedPath(this.#paths, uploadId))),
    )
  }

  async open(location: BlobLocation, range?: ByteRange): Promise<BlobContent> {
    const known = this.#small.get(location)
    if (known) return { kind: 'bytes', bytes: known, sizeBytes: known.size, range }
    const call = { doing: 'opening content', absent: 'blob_unknown' } as const
    const path = publishedPath(this.#paths, location)
    const found = findPublished(call, path)
    if (!found?.isFile()) throw new DomainError('blob_unknown', 'There is no content at this location.', { location })
    if (found.size > mostSmallBytes) return { kind: 'file', path, sizeBytes: found.size, range }
    const bytes = new Blob([await translateErrors(call, () => readFile(path))])
    this.#small.keep(location, bytes)
    return { kind: 'bytes', bytes, sizeBytes: bytes.size, range }
  }

  async findSize(location: BlobLocation): Promise<number | undefined> {
    if (!parseLocation(location)) return undefined
    const found = findPublished({ doing: 'looking for content' }, publishedPath(this.#paths, location))
    return found?.isFile() ? found.size : undefined
  }

  /** Synced, because its row goes next: bytes that came back after a power cut would be known to nobody. */
  async remove(location: BlobLocation): Promise<void> {
    this.#small.drop(location)
    const path = publishedPath(this.#paths, location)
    await translateErrors({ doing: 'removing content' }, async () => {
      await ignoreAbsent(unlink(path))
      await ignoreAbsent(this.#syncing.folder(dirname(path)))
    })
  }

  /** Counts from the last write, which every file system tells; so an upload that is being written is never listed. */
  async *listUploads(beforeMs: number): AsyncIterable<string> {
    const call = { doing: 'listing uploads' }
    for (const name of await translateErrors(call, () => readdir(this.#paths.uploadsDir))) {
      if (!isUploadId(name)) continue
      const modifiedMs = await translateErrors(call, () => findModifiedMs(stagedPath(this.#paths, name)))
      if (modifiedMs !== undefined && modifiedMs < beforeMs) yield name
    }
  }

  async listContent(page: { after: BlobLocation | undefined; limit: number }): Promise<ContentPage> {
    return translateErrors({ doing: 'listing content' }, () => this.#list.page(page))
  }

  async check(): Promise<void> {
    const { blobsDir, dataDir, probeFile } = this.#paths
    try {
      await access(blobsDir, constants.R_OK | constants.W_OK | constants.X_OK)
      try {
        await writeProbe(probeFile, this.#syncing)
      } finally {
        await ignoreAbsent(unlink(probeFile))
      }
    } catch (error) {
      throw toCheckError(dataDir, error)
    }
  }

  async freeBytes(): Promise<number> {
    const call = { doing: 'asking for its free space' }
    const { bavail, bsize } = await translateErrors(call, () => statfs(this.#paths.dataDir))
    return bavail * bsize
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#closeOpenFiles].map(close => close()))
  }

  /** Opens a staged file that holds at least `offsetBytes`, cut to just those. */
  async #openToWrite(uploadId: string, offsetBytes: number): Promise<FileHandle> {
    const path = stagedPath(this.#paths, uploadId)
    // Of no byte nothing was promised: the file may not be there yet, or a cut publication took it away.
    if (offsetBytes === 0) return translateErrors(beginning, () => open(path, emptied, fileMode))
    return this.#touchStaged('opening staged content', () => openAtLeast(path, 'r+', offsetBytes))
  }

  /** Ends whoever writes to the upload, too: its file is the published one after the rename. */
  async #syncStaged({ uploadId, offsetBytes }: StagedUpload): Promise<void> {
    const flushed = await this.#writers.get(uploadId)?.handOver(offsetBytes)
    const file = flushed ?? (await this.#openToWrite(uploadId, offsetBytes))
    try {
      await this.#atCommitStep('staged')
      await dropUnlessSynced(stagedPath(this.#paths, uploadId), () => this.#syncing.content(file))
    } finally {
      await file.close()
    }
  }

  async #moveStaged({ uploadId }: StagedUpload, target: string): Promise<void> {
    const move = async () => {
      await this.#folders.ensure(dirname(target))
      await rename(stagedPath(this.#paths, uploadId), target)
    }
    await this.#touchStaged('publishing content', async () => {
      try {
        await move()
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || (await findStats(dirname(target)))) throw error
        // Somebody tidied it away, perhaps with the one above it: nothing was in it, or all that was is lost.
        for (const folder of [dirname(dirname(target)), dirname(target)]) this.#folders.forget(folder)
        await move()
      }
    })
  }

  /**
   * Where a staged file is not there, its upload is unknown, and its client begins again. Unless it is the folder that is
   * gone: then no client can do anything, and the operator has to know.
   */
  async #touchStaged<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await translateErrors({ doing, absent: 'upload_unknown' }, work)
    } catch (error) {
      if (isDomainError(error, 'upload_unknown')) {
        const { uploadsDir, blobsDir } = this.#paths
        await translateErrors({ doing }, () => Promise.all([uploadsDir, blobsDir].map(requireFolder)))
      }
      throw error
    }
  }
}

/**
 * What uploads under way may hold in all before each holds only what is being written. Gathering pays for a few uploads;
 * for many it costs memory, and sixteen are no slower without it.
 */
const mostHeldBytes = 1024 * 1024

/**
 * Undefined when nothing is there. On the event loop, unlike every other file operation: Bun opens the file that it
 * answers with there anyway, and a turn of a thread for this look before it costs as much as the whole answer.
 */
function findPublished(call: FileCall, path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw toDomainError(call, error)
  }
}

/** The upload's id and offset say everything about a staged file, so the state has nothing to carry. */
const folderState = 'folder' as UploadState

const noStep = () => {}

const emptied = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC
const beginning = { doing: 'beginning an upload' } as const

/** Opens a staged file that holds at least `offsetBytes`; for writing (`r+`) it is cut to just those. */
async function openAtLeast(path: string, flags: 'r' | 'r+', offsetBytes: number): Promise<FileHandle> {
  const file = await open(path, flags)
  try {
    const { size } = await file.stat()
    if (size < offsetBytes) {
      const detail = { path, offsetBytes, sizeBytes: size }
      throw new DomainError('upload_unknown', 'Staged content is shorter than its offset: start again.', detail)
    }
    if (size > offsetBytes && flags === 'r+') await file.truncate(offsetBytes)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A rename does not reach from one file system to another, and the first commit is too late to learn it. */
async function requireOneFileSystem({ blobsDir, uploadsDir }: FolderPaths): Promise<void> {
  const [blobs, uploads] = await Promise.all([stat(blobsDir), stat(uploadsDir)])
  if (blobs.dev === uploads.dev) return
  throw Object.assign(new Error('blobs and uploads are on two file systems'), { code: 'EXDEV' })
}

/**
 * Runs a sync that `path` depends on, and removes `path` when it fails: the kernel reports a lost write once, and the
 * next sync of the same file succeeds although the bytes are gone.
 */
async function dropUnlessSynced(path: string, sync: () => Promise<void>): Promise<void> {
  try {
    await translateErrors({ doing: 'syncing content' }, sync)
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  }
}

async function writeProbe(path: string, syncing: Syncing): Promise<void> {
  const file = await open(path, 'w', fileMode)
  try {
    await file.write('probe')
    await syncing.content(file)
  } finally {
    await file.close()
  }
}

async function findSizeBytes(path: string): Promise<number | undefined> {
  return (await findStats(path))?.size
}

async function findModifiedMs(path: string): Promise<number | undefined> {
  return (await findStats(path))?.mtimeMs
}
