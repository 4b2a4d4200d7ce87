import type { Socket } from 'bun'

/** Bytes to send, in pieces that may be shared between requests. */
export type Body = { sizeBytes: number; pieces: readonly Uint8Array[] }

export type Request = { method: string; path: string; headers?: Readonly<Record<string, string>>; body?: Body }

export type Answer = { status: number; headers: string; bodyBytes: number }

/**
 * One HTTP/1.1 connection that sends one request at a time and counts what comes back without looking at it. A client
 * this plain leaves the processor to the server that is measured.
 */
export class Connection implements Disposable {
  readonly #host: string
  #socket: Socket | undefined
  #unsent: Uint8Array[] = []
  #head = ''
  #answer: Answer | undefined
  #missingBytes = 0
  #isHead = false
  #pending: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  constructor(host: string) {
    this.#host = host
  }

  /** Rejects when the connection breaks, and for an answer without Content-Length. */
  async request({ method, path, headers = {}, body }: Request): Promise<Answer> {
    this.#socket ??= await this.#connect()
    const fields = Object.entries({
      Host: this.#host,
      ...headers,
      ...((body || method !== 'GET') && { 'Content-Length': String(body?.sizeBytes ?? 0) }),
    })
    const head = `${method} ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
    this.#isHead = method === 'HEAD'
    this.#head = ''
    this.#answer = undefined
    this.#unsent = [new TextEncoder().encode(head), ...(body?.pieces ?? [])]
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#pending = { resolve, reject }
    this.#send()
    return promise
  }

  [Symbol.dispose](): void {
    this.#pending = undefined
    this.#socket?.end()
    this.#socket = undefined
  }

  async #connect(): Promise<Socket> {
    const [hostname = '', port] = this.#host.split(':')
    return Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_socket, bytes) => this.#receive(bytes),
        drain: () => this.#send(),
        close: () => this.#break(new Error('the server closed the connection')),
        error: (_socket, error) => this.#break(error),
      },
    })
  }

  #send(): void {
    for (;;) {
      const [piece] = this.#unsent
      if (!piece || !this.#socket) return
      const written = this.#socket.write(piece)
      if (written < piece.byteLength) {
        if (written > 0) this.#unsent[0] = piece.subarray(written)
        return
      }
      this.#unsent.shift()
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#answer) {
      this.#count(bytes.byteLength)
      return
    }
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return
    const headers = this.#head.slice(0, end)
    const status = Number(headers.slice(9, 12))
    const length = headerOf(headers, 'content-length')
    const hasBody = !this.#isHead && status !== 204 && status !== 304
    if (hasBody && length === undefined) {
      this.#break(new Error(`no Content-Length in ${headers}`))
      return
    }
    this.#missingBytes = hasBody ? Number(length) : 0
    this.#answer = { status, headers, bodyBytes: this.#missingBytes }
    this.#count(this.#head.length - end - 4)
  }

  #count(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes > 0 || !this.#answer) return
    const pending = this.#pending
    this.#pending = undefined
    pending?.resolve(this.#answer)
  }

  #break(error: Error): void {
    this.#socket = undefined
    this.#pending?.reject(error)
    this.#pending = undefined
  }
}

/** The value of a header in the text of all of them; the name in lower case. */
export function headerOf(headers: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(headers)?.[1]
}
