// `node deploy/container.mjs [EXECUTABLE [ARCHIVE]]`: makes a container image of dist/stower, dist/stower-image.tar,
// out of nothing but the executable and what it needs of this machine: no engine, no base image, no network.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { makeTar } from './tar.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { version, description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Who Stower is inside: `nonroot`, by the number that other images without a root user have for it. */
const userId = 65532

/** Every time in the image; SOURCE_DATE_EPOCH is how distributions say theirs. */
const timeSeconds = Number(process.env.SOURCE_DATE_EPOCH ?? 0)

const [executable = join(root, 'dist', 'stower'), archive = join(root, 'dist', 'stower-image.tar')] =
  process.argv.slice(2)

try {
  const image = await makeImage(resolve(executable))
  mkdirSync(dirname(resolve(archive)), { recursive: true })
  writeFileSync(`${archive}.part`, image.archive)
  renameSync(`${archive}.part`, archive)
  const megabytes = (image.archive.length / 1e6).toFixed(0)
  process.stdout.write(`${relative(process.cwd(), archive)} (${megabytes} MB): ${image.name}, ${image.digest}\n`)
} catch (error) {
  process.stderr.write(`container: ${error.message}\n`)
  process.exitCode = 1
}

/**
 * An archive that is both an OCI image layout and what `docker load` reads: `index.json` and `manifest.json` describe the
 * same blobs.
 */
async function makeImage(file) {
  if (!existsSync(file)) throw new Error(`${file} is missing: npm run build makes it`)
  // What changes with each release comes last, so that the rest is pushed and pulled once.
  const layers = await Promise.all([
    makeLayer([...systemFiles(), ...libraries(file)]),
    makeLayer([{ path: 'stower', content: readFileSync(file), mode: 0o755 }]),
  ])
  const config = makeBlob(JSON.stringify(imageConfig(layers)), 'application/vnd.oci.image.config.v1+json')
  const manifest = makeBlob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: config.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      annotations: {
        'org.opencontainers.image.title': 'stower',
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': license,
      },
    }),
    'application/vnd.oci.image.manifest.v1+json',
  )
  const name = `stower:${version}`
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...manifest.descriptor, annotations: { 'org.opencontainers.image.ref.name': name } }],
  }
  const docker = [{ Config: config.path, RepoTags: [name], Layers: layers.map(({ path }) => path) }]
  const entries = [
    jsonFile('oci-layout', { imageLayoutVersion: '1.0.0' }),
    jsonFile('index.json', index),
    jsonFile('manifest.json', docker),
    ...[manifest, config, ...layers].map(({ path, content }) => ({ path, content })),
  ]
  return { name, digest: manifest.descriptor.digest, archive: makeTar(entries, { timeSeconds }) }
}

function imageConfig(layers) {
  const created = new Date(timeSeconds * 1000).toISOString()
  return {
    created,
    architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch],
    os: 'linux',
    config: {
      User: `${userId}:${userId}`,
      ExposedPorts: { '8080/tcp': {} },
      Env: [
        'PATH=/',
        'STOWER_LISTEN=0.0.0.0:8080',
        'STOWER_DATA_DIR=/data',
        // Both have to be there before the process starts: threads for file work (else Stower starts itself a second
        // time), and memory that is free goes back to the system at once.
        'UV_THREADPOOL_SIZE=32',
        'MIMALLOC_PURGE_DELAY=0',
      ],
      Entrypoint: ['/stower'],
      Cmd: ['serve'],
      Volumes: { '/data': {} },
      WorkingDir: '/data',
      StopSignal: 'SIGTERM',
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created, created_by: 'deploy/container.mjs' })),
  }
}

function systemFiles() {
  const certificates = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'].find(existsSync)
  return [
    textFile('etc/passwd', `root:x:0:0::/:/none\nnonroot:x:${userId}:${userId}::/data:/none\n`),
    textFile('etc/group', `root:x:0:\nnonroot:x:${userId}:\n`),
    textFile('etc/nsswitch.conf', 'hosts: files dns\n'),
    ...(certificates === undefined
      ? []
      : [{ path: 'etc/ssl/certs/ca-certificates.crt', content: readFileSync(certificates) }]),
    // A fresh volume takes the owner of the folder it is put on.
    { path: 'data', mode: 0o700, owner: userId },
    { path: 'tmp', mode: 0o1777 },
  ]
}

/** The shared libraries of the executable and their loader, each where the loader looks for it on this machine. */
function libraries(file) {
  const listed = execFileSync('ldd', [file], { encoding: 'utf8' })
  const linked = [...listed.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path)
  if (linked.length === 0) throw new Error(`ldd says nothing about ${file}:\n${listed}`)
  return [...new Set([...linked, ...nameServices(linked)])]
    .sort()
    .map(path => ({ path: path.slice(1), content: readFileSync(path), mode: 0o755 }))
}

/** What glibc loads to look up a host's name; from 2.34 on it has that inside. */
function nameServices(linked) {
  const libc = linked.find(path => path.endsWith('/libc.so.6'))
  if (libc === undefined) return []
  return ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']
    .map(name => join(dirname(libc), name))
    .filter(existsSync)
}

async function makeLayer(entries) {
  const tar = makeTar(entries, { timeSeconds })
  const blob = makeBlob(await promisify(gzip)(tar), 'application/vnd.oci.image.layer.v1.tar+gzip')
  return { ...blob, diffId: digestOf(tar) }
}

function makeBlob(data, mediaType) {
  const content = Buffer.from(data)
  const digest = digestOf(content)
  return {
    content,
    path: `blobs/${digest.replace(':', '/')}`,
    descriptor: { mediaType, digest, size: content.length },
  }
}

function digestOf(content) {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

function jsonFile(path, value) {
  return textFile(path, JSON.stringify(value))
}

function textFile(path, text) {
  return { path, content: Buffer.from(text) }
}
