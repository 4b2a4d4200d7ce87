import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { run } from './command.ts'

/** What must be the same about an image wherever it lies: computed from its bytes, never taken from what a tool says. */
export type ImageFacts = {
  /** Digest of the configuration's bytes. */
  readonly config: string
  /** Digests of the layers' tars, uncompressed, the lowest first. */
  readonly layers: readonly string[]
  /** What the layers unpack to: path → digest of the file, or where a link leads. */
  readonly files: Readonly<Record<string, string>>
}

/** Reads what `docker save` writes, and podman and buildah as `docker-archive`. */
export async function readDockerArchive(archive: string): Promise<ImageFacts> {
  const folder = `${archive}.unpacked`
  await mkdir(folder)
  await run('tar', ['-C', folder, '-xf', archive])
  const [image] = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  const facts = await readImage(
    join(folder, image.Config),
    image.Layers.map((layer: string) => join(folder, layer)),
  )
  await rm(folder, { recursive: true })
  return facts
}

/** An image in a folder of blobs, with the bytes of its manifest. */
export type StoredImage = { readonly digest: string; readonly mediaType: string; readonly facts: ImageFacts }

/** Reads an OCI layout that holds one image. Throws when a blob is not what its name says. */
export async function readOciLayout(folder: string): Promise<StoredImage> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  const blob = (digest: string) => join(folder, 'blobs', digest.replace(':', '/'))
  return readStored(blob(index.manifests[0].digest), blob)
}

/** Reads what skopeo writes as `dir:`, which holds one image. Throws when a blob is not what its name says. */
export async function readImageFolder(folder: string): Promise<StoredImage> {
  return readStored(join(folder, 'manifest.json'), digest => join(folder, digest.slice('sha256:'.length)))
}

/** Digest and size of a file, gunzipped when it is a gzip and `gunzip` asks for that. */
export async function describeFile(file: string, { gunzip = false } = {}) {
  const hasher = new Bun.CryptoHasher('sha256')
  let sizeBytes = 0
  const bytes = createReadStream(file, { highWaterMark: 1 << 20 })
  const isPacked = gunzip && (await isGzip(file))
  // What goes wrong with the file reaches us through the stream we read.
  const stream = isPacked ? pipeline(bytes, createGunzip({ chunkSize: 1 << 20 }), () => {}) : bytes
  for await (const chunk of stream) {
    hasher.update(chunk)
    sizeBytes += chunk.length
  }
  return { digest: `sha256:${hasher.digest('hex')}`, sizeBytes }
}

/** What lies below a folder: path → digest of the file, or where a link leads. */
export async function listFiles(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) files[relative(folder, path)] = (await describeFile(path)).digest
    if (entry.isSymbolicLink()) files[relative(folder, path)] = `→ ${await readlink(path)}`
  }
  return files
}

async function readStored(manifestFile: string, blob: (digest: string) => string): Promise<StoredImage> {
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8'))
  const layers: { digest: string; size: number }[] = manifest.layers
  for (const { digest, size } of [manifest.config, ...layers]) {
    const found = await describeFile(blob(digest))
    if (found.digest !== digest || found.sizeBytes !== size) throw new Error(`${blob(digest)} holds ${found.digest}`)
  }
  const facts = await readImage(
    blob(manifest.config.digest),
    layers.map(({ digest }) => blob(digest)),
  )
  return { digest: (await describeFile(manifestFile)).digest, mediaType: manifest.mediaType, facts }
}

async function readImage(config: string, layers: readonly string[]): Promise<ImageFacts> {
  const root = `${config}.root`
  await mkdir(root)
  const digests: string[] = []
  for (const layer of layers) {
    digests.push((await describeFile(layer, { gunzip: true })).digest)
    // tar finds out by itself whether it is compressed.
    await run('tar', ['-C', root, '-xf', layer])
  }
  const files = await listFiles(root)
  await rm(root, { recursive: true })
  return { config: (await describeFile(config)).digest, layers: digests, files }
}

async function isGzip(file: string): Promise<boolean> {
  if ((await stat(file)).size < 2) return false
  await using handle = await open(file)
  const { buffer } = await handle.read({ buffer: Buffer.alloc(2), position: 0 })
  return buffer[0] === 0x1f && buffer[1] === 0x8b
}
