import { connect, type Socket } from 'node:net'

/** One connection to a server on this machine, over which a test sends exactly what it wants, as slowly as it wants. */
export type RawConnection = Disposable & {
  readonly socket: Socket
  /** All bytes so far; grows only while the socket reads. */
  readonly received: () => number
  /** The first bytes as text, enough for an answer's head. */
  readonly head: () => string
  /** Resolves when the server has ended the connection and the client has seen it. */
  readonly closed: Promise<void>
}

const keptHeadBytes = 4096

export async function connectRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = 0
  let head = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (head.length < keptHeadBytes) head += String(chunk.subarray(0, keptHeadBytes))
  })
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  // A connection that is cut is what these tests are about.
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
  return {
    socket,
    received: () => received,
    head: () => head,
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** The text of a request up to the empty line, with the Host that the server is known by. */
export function requestHead(url: string, line: string, headers: Readonly<Record<string, string>>): string {
  const fields = Object.entries({ host: new URL(url).host, ...headers })
  return `${line} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** Waits for what the world outside brings about; fails with the sentence when it does not come in time. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error(`it never came about that ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
