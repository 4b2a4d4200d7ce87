import type { Socket } from 'bun'

export type Request = {
  method: string
  path: string
  headers?: Readonly<Record<string, string>>
  body?: readonly Uint8Array[]
  /** How the body is framed; `length` unless it is given. */
  framing?: 'length' | 'chunked'
}

export type Answer = { status: number; headers: string; bodyBytes: number }

/** Where the client goes away: so many bytes into the head of its request, into the body, or into the answer. */
export type Cut = { in: 'head' | 'body' | 'answer'; afterBytes: number }

/** The exchange ended as its `Cut` said. */
export class CutByClient extends Error {}

/**
 * One HTTP/1.1 connection with one exchange at a time, which can be left anywhere. It looks at nothing but the head of an
 * answer, so that hundreds of them leave the processor to the server.
 */
export class Connection implements Disposable {
  readonly #host: string
  #socket: Socket | undefined
  #exchange: Exchange | undefined

  constructor(host: string) {
    this.#host = host
  }

  /** Rejects with `CutByClient` where it was cut on purpose, and with another error when the connection broke. */
  async exchange(request: Request, options: { take?: (bytes: Uint8Array) => void; cut?: Cut } = {}): Promise<Answer> {
    this.#socket ??= await this.#connect()
    const exchange = new Exchange(this.#host, request, options)
    this.#exchange = exchange
    this.#send()
    try {
      const answer = await exchange.answered
      if (/^connection: close\r?$/im.test(answer.headers)) this[Symbol.dispose]()
      return answer
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    } finally {
      this.#exchange = undefined
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate()
    this.#socket = undefined
  }

  async #connect(): Promise<Socket> {
    const [hostname = '', port] = this.#host.split(':')
    const ended = (socket: Socket, reason: Error) => {
      if (socket !== this.#socket) return
      this.#socket = undefined
      this.#exchange?.fail(reason)
    }
    return Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (socket, bytes) => {
          if (socket === this.#socket) this.#exchange?.receive(bytes)
        },
        drain: () => this.#send(),
        close: socket => ended(socket, new Error('the server closed the connection')),
        error: (socket, error) => ended(socket, error),
      },
    })
  }

  #send(): void {
    if (this.#socket) this.#exchange?.send(bytes => this.#socket?.write(bytes) ?? 0)
  }
}

class Exchange {
  readonly answered: Promise<Answer>
  readonly #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  readonly #isHead: boolean
  readonly #take: (bytes: Uint8Array) => void
  /** Left to send; undefined in it is where the client goes away. */
  readonly #unsent: (Uint8Array | undefined)[]
  #head = ''
  #answer: Answer | undefined
  #missingBytes = 0
  #bytesUntilCut = Number.POSITIVE_INFINITY

  constructor(host: string, request: Request, options: { take?: (bytes: Uint8Array) => void; cut?: Cut }) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.answered = promise
    this.#settle = { resolve, reject }
    this.#isHead = request.method === 'HEAD'
    this.#take = options.take ?? (() => {})
    const head = formatHead(host, request)
    const body = request.framing === 'chunked' ? formatChunks(request.body ?? []) : (request.body ?? [])
    const { cut } = options
    if (cut?.in === 'head') this.#unsent = [head.subarray(0, cut.afterBytes % head.byteLength), undefined]
    else if (cut?.in === 'body') this.#unsent = [head, ...firstBytes(body, cut.afterBytes), undefined]
    else this.#unsent = [head, ...body]
    if (cut?.in === 'answer') this.#bytesUntilCut = cut.afterBytes
  }

  send(write: (bytes: Uint8Array) => number): void {
    while (this.#unsent.length > 0) {
      const [piece] = this.#unsent
      if (piece === undefined) {
        this.fail(new CutByClient())
        return
      }
      const written = write(piece)
      if (written < piece.byteLength) {
        if (written > 0) this.#unsent[0] = piece.subarray(written)
        return
      }
      this.#unsent.shift()
    }
  }

  receive(bytes: Uint8Array): void {
    this.#bytesUntilCut -= bytes.byteLength
    if (this.#bytesUntilCut < 0) this.fail(new CutByClient())
    else if (this.#answer) this.#receiveBody(bytes)
    else this.#receiveHead(bytes)
  }

  fail(error: Error): void {
    this.#settle.reject(error)
  }

  #receiveHead(bytes: Uint8Array): void {
    const before = this.#head.length
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return
    const headers = this.#head.slice(0, end)
    const status = Number(headers.slice(9, 12))
    const hasBody = !this.#isHead && status !== 204 && status !== 304
    const length = hasBody ? headerOf(headers, 'content-length') : '0'
    if (length === undefined) {
      this.fail(new Error(`no Content-Length in ${headers}`))
      return
    }
    this.#missingBytes = Number(length)
    this.#answer = { status, headers, bodyBytes: this.#missingBytes }
    this.#receiveBody(bytes.subarray(end + 4 - before))
  }

  #receiveBody(bytes: Uint8Array): void {
    if (bytes.byteLength > 0) this.#take(bytes)
    this.#missingBytes -= bytes.byteLength
    if (this.#missingBytes < 0) this.fail(new Error('the answer is longer than it says'))
    else if (this.#missingBytes === 0 && this.#answer) this.#settle.resolve(this.#answer)
  }
}

/** The value of a header in the text of all of them; the name in lower case. */
export function headerOf(headers: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(headers)?.[1]
}

function formatHead(host: string, { method, path, headers = {}, body, framing }: Request): Uint8Array {
  const length = (body ?? []).reduce((sum, piece) => sum + piece.byteLength, 0)
  const fields = Object.entries({
    Host: host,
    ...headers,
    ...(framing === 'chunked' && { 'Transfer-Encoding': 'chunked' }),
    ...(framing !== 'chunked' && (body || method !== 'GET') && { 'Content-Length': String(length) }),
  })
  const text = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\n${text}\r\n`)
}

function formatChunks(pieces: readonly Uint8Array[]): Uint8Array[] {
  const text = (of: string) => new TextEncoder().encode(of)
  const chunks = pieces.filter(({ byteLength }) => byteLength > 0)
  return [
    ...chunks.flatMap(piece => [text(`${piece.byteLength.toString(16)}\r\n`), piece, text('\r\n')]),
    text('0\r\n\r\n'),
  ]
}

function firstBytes(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count
  return pieces.flatMap(piece => {
    const part = piece.subarray(0, Math.max(0, left))
    left -= piece.byteLength
    return part.byteLength > 0 ? [part] : []
  })
}
