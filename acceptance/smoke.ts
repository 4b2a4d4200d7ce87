import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { findTool } from '../test/tools.ts'
import { createOrganization, type Login, logins, managementToken, type Program } from './program.ts'

/** What the smoke test needs of a program, however it was started. */
export type SmokeTarget = Pick<Program, 'url' | 'host' | 'kill9' | 'restart'>

/** An image that the smoke test pushed, with all its bytes. */
export type SmokeImage = {
  /** `organization/repository` */
  readonly name: string
  readonly manifest: Uint8Array
  readonly blobs: readonly Uint8Array[]
}

/**
 * The main job from end to end, over plain HTTP: an organization, a repository, a login, a push of three layers, a pull,
 * `kill -9`, a restart, and the pull again. Makes an organization of its own, so it can run on any installation with the
 * credentials of `startProgram`, more than once. Throws where something is not as it should be.
 */
export async function smoke(program: SmokeTarget): Promise<SmokeImage> {
  const organization = `smoke-${randomBytes(6).toString('hex')}`
  await createOrganization(program, organization)
  await createRepository(program, organization, 'busybox')
  const image = makeImage(`${organization}/busybox`)
  await pushImage(program, image)
  await pullImage(program, image)
  await program.kill9()
  await program.restart()
  await pullImage(program, image)
  return image
}

/** Pulls the image by tag and by digest, logged in by the access key, and compares every byte; crane does so too if it is there. */
export async function pullImage(program: Pick<SmokeTarget, 'url' | 'host'>, image: SmokeImage): Promise<void> {
  const { name, manifest, blobs } = image
  const authorization = await dockerToken(program, logins['access key'], `repository:${name}:pull`)
  const get = (path: string) => fetch(`${program.url}/v2/${name}/${path}`, { headers: { authorization } })
  for (const reference of ['1', digestOf(manifest)]) {
    const response = await get(`manifests/${reference}`)
    await expectBytes(response, manifest)
    expectEqual(response.headers.get('content-type'), manifestType, 'media type')
    expectEqual(response.headers.get('docker-content-digest'), digestOf(manifest), 'digest')
  }
  for (const blob of blobs) await expectBytes(await get(`blobs/${digestOf(blob)}`), blob)
  await expectRefusalWithoutLogin(program, name)
  if (findTool('crane') !== undefined) await validateWithCrane(program, `${program.host}/${name}:1`)
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'
const configType = 'application/vnd.oci.image.config.v1+json'

/** The call of the API reference, "Creating an Image Repository". */
async function createRepository(
  { url }: Pick<SmokeTarget, 'url'>,
  namespace: string,
  repository: string,
): Promise<void> {
  const response = await fetch(`${url}/v2/manage/namespaces/${namespace}/repos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': await managementToken({ url }) },
    body: JSON.stringify({
      repository,
      category: 'linux',
      description: 'this is a busybox repository',
      is_public: false,
    }),
  })
  expectEqual(response.status, 201, 'status of creating a repository')
  expectEqual(await response.text(), '{}', 'body of creating a repository')
}

/** Three layers, each a gzipped tar of one file; the largest has a MiB. */
function makeImage(name: string): SmokeImage {
  const tars = [10, 1_000, 1 << 20].map((sizeBytes, index) => tarOf(`file-${index}`, randomBytes(sizeBytes)))
  const layers = tars.map(tar => gzipSync(tar))
  const config = jsonBytes({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
  })
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(configType, config),
    layers: layers.map(layer => describe(layerType, layer)),
  })
  return { name, manifest, blobs: [config, ...layers] }
}

async function pushImage(program: Pick<SmokeTarget, 'url'>, { name, manifest, blobs }: SmokeImage): Promise<void> {
  const authorization = await dockerToken(program, logins.password, `repository:${name}:pull,push`)
  const send = async (method: string, path: string, body?: Uint8Array, type = 'application/octet-stream') => {
    const url = new URL(path, program.url)
    const headers = { authorization, 'content-type': type }
    return fetch(url, { method, headers, ...(body && { body: Buffer.from(body) }) })
  }
  for (const [index, blob] of blobs.entries()) {
    const started = await send('POST', `/v2/${name}/blobs/uploads/`)
    expectEqual(started.status, 202, 'status of starting an upload')
    let location = locationOf(started)
    // In one piece, or streamed first and closed by an empty request.
    const isStreamed = index % 2 === 0
    if (isStreamed) {
      const patched = await send('PATCH', location, blob)
      expectEqual(patched.status, 202, 'status of a PATCH')
      location = locationOf(patched)
    }
    const separator = location.includes('?') ? '&' : '?'
    const closing = `${location}${separator}digest=${digestOf(blob)}`
    const closed = await send('PUT', closing, isStreamed ? undefined : blob)
    expectEqual(closed.status, 201, 'status of closing an upload')
  }
  const put = await send('PUT', `/v2/${name}/manifests/1`, manifest, manifestType)
  expectEqual(put.status, 201, 'status of pushing a manifest')
}

/** Follows the challenge of the registry, as its clients do. */
async function dockerToken({ url }: Pick<SmokeTarget, 'url'>, login: Login, scope: string): Promise<string> {
  const challenged = await fetch(`${url}/v2/`)
  expectEqual(challenged.status, 401, 'status without a login')
  const challenge = challenged.headers.get('www-authenticate') ?? ''
  const [, realm] = /realm="([^"]+)"/.exec(challenge) ?? []
  const [, service] = /service="([^"]+)"/.exec(challenge) ?? []
  if (realm === undefined || service === undefined)
    throw new Error(`a challenge without realm or service: ${challenge}`)
  const asked = new URL(realm)
  asked.search = new URLSearchParams({ service, scope }).toString()
  const basic = Buffer.from(`${login.user}:${login.password}`).toString('base64')
  const response = await fetch(asked, { headers: { authorization: `Basic ${basic}` } })
  expectEqual(response.status, 200, 'status of a docker login')
  const { token } = (await response.json()) as { token: string }
  return `Bearer ${token}`
}

async function expectRefusalWithoutLogin({ url }: Pick<SmokeTarget, 'url'>, name: string): Promise<void> {
  const response = await fetch(`${url}/v2/${name}/manifests/1`)
  expectEqual(response.status, 401, 'status of a pull without a login')
}

async function validateWithCrane({ host }: Pick<SmokeTarget, 'host'>, image: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stower-smoke-'))
  try {
    const env = { PATH: process.env.PATH, HOME: folder, DOCKER_CONFIG: folder }
    const crane = (...args: string[]) => promisify(execFile)(findTool('crane') ?? 'crane', args, { env })
    const { user, password } = logins.password
    await crane('auth', 'login', host, '-u', user, '-p', password)
    await crane('validate', '--remote', image)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function expectBytes(response: Response, expected: Uint8Array): Promise<void> {
  expectEqual(response.status, 200, `status of ${response.url}`)
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!bytes.equals(expected)) throw new Error(`${response.url} gave ${bytes.length} other bytes`)
}

function expectEqual<T>(found: T, expected: T, what: string): void {
  if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`)
}

function locationOf(response: Response): string {
  const location = response.headers.get('location')
  if (location === null) throw new Error(`${response.url} answered without Location`)
  return location
}

function describe(mediaType: string, content: Uint8Array) {
  return { mediaType, digest: digestOf(content), size: content.length }
}

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

function jsonBytes(content: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(content))
}

/** A tar of one file (POSIX ustar): a header block, the content padded to blocks, two empty blocks. */
function tarOf(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(name, 0)
  header.write(`${octal(0o644, 8)}${octal(0, 8)}${octal(0, 8)}${octal(content.length, 12)}${octal(0, 12)}`, 100)
  // The checksum counts its own field as eight spaces.
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}
