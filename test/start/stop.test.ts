import { expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { bytesOf, digestOf } from '../crash/content.ts'
import { bearerToken, insertOrganization } from '../crash/organization.ts'
import { credentials } from '../server.ts'
import { launch, type Program, temporaryFolder } from './program.ts'

const upload = { seed: 1, sizeBytes: 300_000 }
/** More than the kernel takes off a server's hands for a client that does not read. */
const download = { seed: 2, sizeBytes: 16 * 1024 * 1024 }

test('after SIGTERM nobody gets in, transfers under way end, and the exit code is 0', async () => {
  using folder = temporaryFolder()
  const { program, url, authorization, digest } = await serveBlob(folder.path, '20s')
  await using _ends = program
  const slowUpload = await beginUpload(url, authorization)
  const slowDownload = await beginDownload(url, authorization, digest)

  program.signal('SIGTERM')
  await logged(program, '"message":"stopping"')
  expect(await connectTo(url)).toBe('ECONNREFUSED')
  expect(await Promise.race([program.ended, Bun.sleep(500).then(() => 'serves')])).toBe('serves')

  slowUpload.socket.write(bytesOf(upload).subarray(slowUpload.sentBytes))
  expect(await slowUpload.answered).toStartWith('HTTP/1.1 202')
  expect(digestOf(await slowDownload.finish())).toBe(digest)
  const { code, stdout, stderr } = await program.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('"message":"stopped"')
  expect(stdout).not.toContain('requests were cut')
}, 30_000)

test('a transfer that takes longer than the limit is cut and named in the log, and the exit code is 0', async () => {
  using folder = temporaryFolder()
  const { program, url, authorization } = await serveBlob(folder.path, '1s')
  await using _ends = program
  const { location, sentBytes } = await beginUpload(url, authorization)
  const startedMs = performance.now()
  program.signal('SIGTERM')
  const { code, stdout } = await program.ended
  const tookMs = performance.now() - startedMs
  expect(code).toBe(0)
  expect(stdout).toContain('requests were cut')
  expect(tookMs).toBeGreaterThan(900)
  expect(tookMs).toBeLessThan(5_000)
  // What came before the cut is kept, and the folder is sound.
  await using again = launch({ dataDir: folder.path })
  const urlAgain = await again.serving
  expect((await fetch(`${urlAgain}/readyz`)).status).toBe(200)
  const cut = await fetch(`${urlAgain}${location}`, { headers: { authorization } })
  expect(cut.headers.get('range')).toBe(`0-${sentBytes - 1}`)
  const bytes = bytesOf(upload)
  const closed = await fetch(`${urlAgain}${location}?digest=${digestOf(bytes)}`, {
    method: 'PUT',
    headers: { authorization },
    body: bytes.subarray(sentBytes),
  })
  expect(closed.status).toBe(201)
  again.signal('SIGTERM')
  expect((await again.ended).code).toBe(0)
}, 30_000)

test('clients that keep idle connections open do not hold it up', async () => {
  using folder = temporaryFolder()
  const { program, url } = await serveBlob(folder.path, '20s')
  await using _ends = program
  const idle = await open(url)
  const startedMs = performance.now()
  program.signal('SIGTERM')
  expect((await program.ended).code).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(3_000)
  idle.destroy()
}, 30_000)

/** A server that holds the blob of `download`. */
async function serveBlob(dataDir: string, shutdownTimeout: string) {
  const program = launch({
    dataDir,
    env: {
      STOWER_SHUTDOWN_TIMEOUT: shutdownTimeout,
      STOWER_INIT_USER: credentials.user,
      STOWER_INIT_PASSWORD: credentials.password,
    },
  })
  const url = await program.serving
  await insertOrganization({ dataDir }, 'slow')
  const authorization = await bearerToken(url, ['slow/image'])
  const bytes = bytesOf(download)
  const digest = digestOf(bytes)
  const pushed = await fetch(`${url}/v2/slow/image/blobs/uploads/?digest=${digest}`, {
    method: 'POST',
    headers: { authorization },
    body: bytes,
  })
  expect(pushed.status).toBe(201)
  return { program, url, authorization, digest }
}

/** Sends a third of a chunk; `answered` resolves to the head of the answer. */
async function beginUpload(url: string, authorization: string) {
  const begun = await fetch(`${url}/v2/slow/image/blobs/uploads/`, { method: 'POST', headers: { authorization } })
  const location = begun.headers.get('location') ?? ''
  const socket = await open(url)
  const answered = new Promise<string>(resolve => socket.once('data', chunk => resolve(String(chunk))))
  const sentBytes = upload.sizeBytes / 3
  socket.write(
    `PATCH ${location} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: ${authorization}\r\nContent-Length: ${upload.sizeBytes}\r\n\r\n`,
  )
  socket.write(bytesOf(upload).subarray(0, sentBytes))
  return { socket, answered, sentBytes, location }
}

/** Asks for the blob and reads nothing until `finish`, which resolves to its bytes. */
async function beginDownload(url: string, authorization: string, digest: string) {
  const socket = await open(url)
  socket.pause()
  socket.write(
    `GET /v2/slow/image/blobs/${digest} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
  )
  await new Promise<void>(resolve => socket.once('readable', resolve))
  return {
    finish: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of socket) chunks.push(chunk as Buffer)
      const answer = Buffer.concat(chunks)
      return answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    },
  }
}

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // A connection that is cut is what some of these tests are about.
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  return socket
}

/** The code of the error that a new connection meets. */
function connectTo(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve('connected')
    })
    socket.once('error', error => resolve('code' in error ? String(error.code) : String(error)))
  })
}

async function logged(program: Program, text: string): Promise<void> {
  while (!program.output.stdout.includes(text)) await Bun.sleep(5)
}
