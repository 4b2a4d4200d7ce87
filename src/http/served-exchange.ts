import type { Server } from 'bun'
import type { Origin } from '../core/caller.ts'
import { type BodyWatch, bodyWatch } from './body-watch.ts'
import type { Exchange, ExchangeLog } from './exchange.ts'
import { nextRequestId } from './request-id.ts'
import type { Forwarded } from './source-address.ts'

export type ExchangeSettings = {
  /** Set where connections are TLS. */
  tls?: { certFile: string; keyFile: string }
  forwarded: (peer: string, headers: Headers) => Forwarded
  baseUrl: (host: string, forwarded: Forwarded) => string
  /** A request body that brings nothing for so long ends its request. */
  bodyIdleMs: number
  /** A connection without a request, or whose client takes nothing of an answer, ends after so long. */
  connectionIdleMs: number
}

/** A request that came to a server of Bun. What most requests don't ask for is made when it is. */
export class ServedExchange implements Exchange {
  readonly request: Request
  readonly url: URL
  readonly origin: Origin
  readonly signal: AbortSignal | undefined
  readonly log: ExchangeLog = { route: 'none' }
  keptBody?: Uint8Array
  readonly #bun: Server<undefined>
  readonly #settings: ExchangeSettings
  readonly #forwarded: Forwarded
  #bodyWatch: BodyWatch | undefined
  #hasOwnTimer = false

  constructor(request: Request, url: URL, bun: Server<undefined>, settings: ExchangeSettings) {
    this.request = request
    this.url = url
    this.#bun = bun
    this.#settings = settings
    this.#forwarded = settings.forwarded(bun.requestIP(request)?.address ?? '', request.headers)
    this.origin = { requestId: nextRequestId(), sourceAddress: this.#forwarded.sourceAddress }
    // Asked for after the client went away it would not say so. What only reads ends soon enough without it.
    this.signal = request.method === 'GET' || request.method === 'HEAD' ? undefined : request.signal
  }

  get baseUrl(): string {
    return this.#settings.baseUrl(this.url.host, this.#forwarded)
  }

  get isSecure(): boolean {
    const { proto } = this.#forwarded
    return proto === undefined ? this.#settings.tls !== undefined : proto === 'https'
  }

  get hosts(): readonly string[] {
    const host = this.request.headers.get('host') ?? this.url.host
    const { host: forwarded } = this.#forwarded
    return forwarded === undefined || forwarded === host ? [host] : [host, forwarded]
  }

  get bodyWatch(): BodyWatch {
    // Before the first byte of it is asked for, and after the last, the request takes as long as it takes.
    this.takesLonger()
    this.#bodyWatch ??= bodyWatch(this.#bun, this.request, this.#settings.bodyIdleMs)
    return this.#bodyWatch
  }

  /**
   * Finding an answer takes as long as it takes: for a request that is not answered soon Bun's timer of the connection is
   * stopped. Where a body is read its progress is watched instead.
   */
  takesLonger(): void {
    if (this.#hasOwnTimer) return
    this.#hasOwnTimer = true
    this.#bun.timeout(this.request, 0)
  }

  /** Sets the timer again, for the answer on its way and the connection after it. */
  answered(): void {
    if (this.#hasOwnTimer) this.#bun.timeout(this.request, Math.ceil(this.#settings.connectionIdleMs / 1000))
  }
}
