import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { requireTool } from '../test/tools.ts'
import { run } from './command.ts'
import { describeFile } from './image-facts.ts'

/** What images are made of: files of this machine's Debian, in several layers. */
export type ImageContent = {
  /** A build context: a Dockerfile and one folder for each layer. */
  readonly context: string
  /** The folder of each layer, the lowest first. */
  readonly layers: readonly string[]
}

/** Up to six layers in the folder: busybox, links to it, Debian's names, text, noise, a program that says hello. */
export async function makeContent(folder: string, { layerCount = 6 } = {}): Promise<ImageContent> {
  const all = Array.from({ length: 6 }, (_, index) => join(folder, `layer-${index + 1}`))
  const [programs = '', links = '', names = '', text = '', noise = '', hello = ''] = all
  for (const parent of [join(programs, 'bin'), join(links, 'bin'), join(names, 'etc'), join(text, 'usr/share/text')]) {
    await mkdir(parent, { recursive: true })
  }
  for (const parent of [join(noise, 'var/lib/noise'), join(hello, 'usr/bin')]) await mkdir(parent, { recursive: true })
  await copyFile(requireTool('busybox'), join(programs, 'bin/busybox'))
  await chmod(join(programs, 'bin/busybox'), 0o755)
  for (const name of ['sh', 'ls', 'cat']) await symlink('busybox', join(links, 'bin', name))
  await copyFile('/etc/os-release', join(names, 'etc/os-release'))
  await writeFile(join(text, 'usr/share/text/lines'), 'a line of text that compresses well\n'.repeat(20_000))
  await writeNoise(join(noise, 'var/lib/noise/bytes'), 1 << 20, 'small')
  await writeFile(join(hello, 'usr/bin/hello'), '#!/bin/sh\necho hello\n', { mode: 0o755 })
  const layers = all.slice(0, layerCount)
  const copies = layers.map((_, index) => `COPY layer-${index + 1}/ /\n`)
  await writeFile(join(folder, 'Dockerfile'), `FROM scratch\n${copies.join('')}CMD ["/bin/busybox"]\n`)
  return { context: folder, layers }
}

/** Writes bytes that don't compress, the same for the same seed. */
export async function writeNoise(file: string, sizeBytes: number, seed: string): Promise<void> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16))
  const zeros = Buffer.alloc(1 << 20)
  const parts = function* () {
    for (let left = sizeBytes; left > 0; left -= zeros.length) {
      yield cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros)
    }
  }
  await pipeline(Readable.from(parts()), createWriteStream(file))
}

/** A tar of what lies in the folder, the same for the same content. */
export async function packLayer(folder: string, file: string): Promise<void> {
  const names = (await readdir(folder)).sort()
  const fixed = ['--sort=name', '--mtime=@1700000000', '--owner=0', '--group=0', '--numeric-owner']
  await run('tar', ['-C', folder, ...fixed, '-cf', file, ...names])
}

/**
 * Writes an OCI layout with one image, tagged `1`, whose layers are the given tars. Resolves to the digest of its
 * manifest.
 */
export async function writeOciLayout(folder: string, tars: readonly string[]): Promise<string> {
  const blobs = join(folder, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const diffs = await Promise.all(tars.map(tar => describeFile(tar)))
  const layers: Descriptor[] = []
  for (const tar of tars) layers.push(await addLayer(blobs, tar))
  const config = await addJson(blobs, 'application/vnd.oci.image.config.v1+json', {
    created: '2026-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/busybox'] },
    rootfs: { type: 'layers', diff_ids: diffs.map(({ digest }) => digest) },
    history: tars.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'acceptance' })),
  })
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = await addJson(blobs, mediaType, { schemaVersion: 2, mediaType, config, layers })
  const entry = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': '1' } }
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return manifest.digest
}

type Descriptor = { mediaType: string; digest: string; size: number }

/** Stored rather than compressed: gzip of 150 MB costs seconds and proves nothing here. */
async function addLayer(blobs: string, tar: string): Promise<Descriptor> {
  const packed = `${tar}.gz`
  await pipeline(createReadStream(tar), createGzip({ level: 0 }), createWriteStream(packed))
  return addBlob(blobs, 'application/vnd.oci.image.layer.v1.tar+gzip', packed)
}

async function addJson(blobs: string, mediaType: string, content: unknown): Promise<Descriptor> {
  const file = join(blobs, 'json')
  await writeFile(file, JSON.stringify(content))
  return addBlob(blobs, mediaType, file)
}

/** Moves the file to where its digest says. */
async function addBlob(blobs: string, mediaType: string, file: string): Promise<Descriptor> {
  const { digest, sizeBytes } = await describeFile(file)
  await run('mv', [file, join(blobs, digest.slice('sha256:'.length))])
  return { mediaType, digest, size: sizeBytes }
}
