import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { registryClient } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { openFilesBelow } from './open-files.ts'
import { connectRaw, eventually, requestHead } from './raw-connection.ts'

const timeoutMs = 8_000
/** Bun’s clock of connections strikes every four seconds, so a timeout may be that much early. */
const clockMs = 4_000
const blobBytes = 48 * 1024 * 1024

let server: TestServer
let digest: string

beforeAll(async () => {
  server = await startTestServer('sqlite', { STOWER_CONNECTIONS_IDLE_TIMEOUT: `${timeoutMs}ms` })
  await createOrganization(server, 'slow')
  digest = await registryClient(server).pushBlob('slow/image', new Uint8Array(blobBytes).fill(7))
})
afterAll(() => server.stop())

const askForBlob = () => requestHead(server.url, `GET /v2/slow/image/blobs/${digest}`, { authorization: server.basic })

const openContent = () => openFilesBelow(`${server.dataDir}/blobs`)

/** Bytes that the kernel holds on the server's side for the client with this port (proc(5): state 01 is ESTABLISHED). */
function queuedBytes(clientPort: number | undefined): number {
  const endpoint = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/self/net/tcp', 'utf8').split('\n')
  const line = lines
    .map(each => each.trim().split(/\s+/))
    .find(
      ([, local = '', remote = '', state]) =>
        state === '01' &&
        local.endsWith(endpoint(Number(new URL(server.url).port))) &&
        remote.endsWith(endpoint(clientPort ?? 0)),
    )
  return Number.parseInt(line?.[4]?.split(':')[0] ?? '0', 16)
}

test('a client that takes nothing of a blob is cut, and one that takes it slowly gets every byte', async () => {
  using stalled = await connectRaw(server.url)
  using slow = await connectRaw(server.url)
  stalled.socket.pause()
  const startedMs = performance.now()
  for (const { socket } of [stalled, slow]) socket.write(askForBlob())
  await eventually('both are being served', () => openContent() === 2)
  const pace = setInterval(() => slow.socket.resume(), 250)
  slow.socket.on('data', () => slow.socket.pause())

  await eventually('the stalled one is cut', () => openContent() <= 1)
  const cutAfterMs = performance.now() - startedMs
  expect(cutAfterMs).toBeGreaterThan(timeoutMs - clockMs - 500)
  expect(cutAfterMs).toBeLessThan(timeoutMs + clockMs)
  await eventually('the slow one has it all', () => slow.received() > blobBytes, 90_000)
  clearInterval(pace)
  expect(performance.now() - startedMs).toBeGreaterThan(2 * timeoutMs)
  const head = slow.head()
  expect(head).toStartWith('HTTP/1.1 200')
  expect(slow.received()).toBe(head.indexOf('\r\n\r\n') + 4 + blobBytes)
}, 120_000)

test('what waits in the kernel for a client that takes nothing is bounded', async () => {
  using stalled = await connectRaw(server.url)
  stalled.socket.pause()
  stalled.socket.write(askForBlob())
  let before = -1
  await eventually('the queue stands still', async () => {
    const now = queuedBytes(stalled.socket.localPort)
    const isStill = now > 0 && now === before
    before = now
    await new Promise(resolve => setTimeout(resolve, 200))
    return isStill
  })
  expect(before).toBeLessThan(2.5 * 1024 * 1024)
})
