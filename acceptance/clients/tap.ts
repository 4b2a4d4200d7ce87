import { connect, createServer, type Socket } from 'node:net'

/** A way to a registry on which one can listen, and hold answers back. Clients take it for a registry of its own. */
export type Tap = AsyncDisposable & {
  /** `127.0.0.1:PORT`, the first part of the names of images that go this way. */
  readonly host: string
  /** Method and target of each request so far, as `GET /v2/`. */
  readonly requests: readonly string[]
  /** Holds back all answers on connections that carry such a request from now on, until `release`. */
  readonly hold: (request: RegExp) => Hold
}

export type Hold = {
  /** Resolves when a request with this text waits for its answer. */
  readonly reachedBy: (text: string) => Promise<void>
  readonly release: () => void
}

/** Opens a way to `127.0.0.1:PORT`. It passes bytes on as they are and reads the heads of requests as they go by. */
export async function openTap(target: string): Promise<Tap> {
  const port = Number(target.split(':')[1])
  const requests: string[] = []
  const holds: OpenHold[] = []
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const registry = connect(port, '127.0.0.1')
    for (const socket of [client, registry]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // Whoever ends first ends the other; what went wrong is for the client to say.
      socket.on('error', () => {
        client.destroy()
        registry.destroy()
      })
    }
    const answers = new Answers(client)
    // A head may come in pieces: what follows the last line end waits for its rest.
    let rest = ''
    client.on('data', chunk => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n')
      rest = (lines.pop() ?? '').slice(-maxTargetChars)
      for (const line of lines) {
        // Nothing separates it from the body of the request before.
        const request = /((?:GET|HEAD|POST|PUT|PATCH|DELETE) \/\S*) HTTP\/1\.1$/.exec(line)?.[1]
        if (request === undefined) continue
        requests.push(request)
        for (const hold of holds) if (hold.isOpen && hold.request.test(request)) hold.keep(request, answers)
      }
      if (!registry.write(chunk)) {
        client.pause()
        registry.once('drain', () => client.resume())
      }
    })
    client.on('end', () => registry.end())
    registry.on('data', chunk => {
      if (answers.pass(chunk)) return
      registry.pause()
      client.once('drain', () => registry.resume())
    })
    registry.on('end', () => answers.end())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    hold: request => {
      const hold = new OpenHold(request)
      holds.push(hold)
      return hold
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const maxTargetChars = 4096

/** What comes back on one connection, passed on or kept. */
class Answers {
  readonly #client: Socket
  #kept: (Buffer | string)[] | undefined
  #hasEnded = false

  constructor(client: Socket) {
    this.#client = client
  }

  /** False when the client is behind. */
  pass(chunk: Buffer | string): boolean {
    if (!this.#kept) return this.#client.write(chunk)
    this.#kept.push(chunk)
    return true
  }

  end(): void {
    this.#hasEnded = true
    if (!this.#kept) this.#client.end()
  }

  hold(): void {
    this.#kept ??= []
  }

  release(): void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    for (const chunk of kept) this.#client.write(chunk)
    if (this.#hasEnded) this.#client.end()
  }
}

class OpenHold implements Hold {
  isOpen = true
  readonly #kept: { request: string; answers: Answers }[] = []
  readonly #waiting: { text: string; resolve: () => void }[] = []

  constructor(readonly request: RegExp) {}

  keep(request: string, answers: Answers): void {
    answers.hold()
    this.#kept.push({ request, answers })
    for (const { text, resolve } of this.#waiting) if (request.includes(text)) resolve()
  }

  reachedBy(text: string): Promise<void> {
    if (this.#kept.some(({ request }) => request.includes(text))) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ text, resolve }))
  }

  release(): void {
    this.isOpen = false
    for (const { answers } of this.#kept) answers.release()
  }
}
