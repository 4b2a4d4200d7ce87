import type { Server } from 'bun'
import { DomainError } from '../core/errors.ts'
import { closing } from './body.ts'
import { bodyWatch } from './body-watch.ts'
import type { Exchange, Surface } from './exchange.ts'
import { nextRequestId } from './request-id.ts'
import type { Forwarded } from './source-address.ts'

export type ServeOptions = {
  listen: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }
  tls?: { certFile: string; keyFile: string }
  forwarded: (peer: string, headers: Headers) => Forwarded
  baseUrl: (host: string, forwarded: Forwarded) => string
  /** Which surface answers a path. */
  surfaceFor: (url: URL, request: Request) => Surface
  onAnswered: (answered: Answered) => void
  /** A request body that brings nothing for so long ends its request. */
  bodyIdleMs: number
  /** A connection without a request, or whose client takes nothing of an answer, ends after so long. */
  connectionIdleMs: number
}

export type Answered = {
  exchange: Exchange
  status: number
  /** Until the answer's headers are ready. */
  seconds: number
}

export type HttpServer = {
  /** Where it can be reached, e.g. `http://127.0.0.1:8080`. */
  url: string
  /** Takes no new connections and waits for the requests under way, at most `limitMs`; false when some were cut. */
  stop: (limitMs: number) => Promise<boolean>
}

/**
 * Listens. One URL is parsed per request and serves routing, access, signature check and log, so that no two of them can
 * read it differently. Every answer carries `X-Request-Id`.
 */
export function serveHttp(options: ServeOptions): HttpServer {
  const { listen } = options
  // Bun forgets a request whose client left, but what was begun for it goes on.
  let running = 0
  const counted = async (request: Request, bun: Server<undefined>) => {
    running++
    try {
      return await answer(options, request, bun)
    } finally {
      running--
    }
  }
  const shared = {
    // Limits on bodies are each surface's own.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    idleTimeout: secondsOf(options.connectionIdleMs),
    fetch: counted,
    error: () => new Response('internal error\n', { status: 500 }),
    ...(options.tls && { tls: { cert: Bun.file(options.tls.certFile), key: Bun.file(options.tls.keyFile) } }),
  } as const
  const server = translateListenErrors(listen, () =>
    listen.kind === 'unix'
      ? // The types leave the timer out for sockets; the server has it all the same.
        Bun.serve({ ...(shared as Omit<typeof shared, 'idleTimeout'>), unix: listen.path })
      : // Outside of development Bun lets several processes listen on one address, each with a part of the requests.
        Bun.serve({ ...shared, hostname: listen.host, port: listen.port, reusePort: false }),
  )
  return {
    url: urlOf(options, server),
    stop: async limitMs => {
      void server.stop(false)
      const giveUpAt = performance.now() + limitMs
      const isBusy = () => running > 0 || server.pendingRequests > 0
      // Idle connections that clients keep open would hold up Bun's own promise for ever.
      while (isBusy() && performance.now() < giveUpAt) await Bun.sleep(pollMs)
      const isClean = !isBusy()
      await server.stop(true)
      // Who was cut in a body still writes down how far it came, and its client may come back for the rest.
      const lastAt = performance.now() + endLimitMs
      while (running > 0 && performance.now() < lastAt) await Bun.sleep(pollMs)
      return isClean
    },
  }
}

const pollMs = 20
/** What has no client any more ends at once; a disk that hangs must not keep the process. */
const endLimitMs = 5_000

function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000)
}

async function answer(options: ServeOptions, request: Request, bun: Server<undefined>): Promise<Response> {
  const startedMs = performance.now()
  // Finding the answer takes as long as it takes; where a body is read, its progress is watched.
  bun.timeout(request, 0)
  const problem = problemOf(request)
  const url = problem === undefined ? new URL(request.url) : noUrl
  const peer = bun.requestIP(request)?.address ?? ''
  const forwarded = options.forwarded(peer, request.headers)
  const exchange: Exchange = {
    request,
    url,
    origin: { requestId: nextRequestId(), sourceAddress: forwarded.sourceAddress },
    get baseUrl() {
      return options.baseUrl(url.host, forwarded)
    },
    signal: request.signal,
    bodyWatch: bodyWatch(bun, request, options.bodyIdleMs),
    log: { route: 'none' },
  }
  const response = await (problem === undefined ? perform(options, exchange) : refuse(problem))
  response.headers.set('x-request-id', exchange.origin.requestId)
  options.onAnswered({ exchange, status: response.status, seconds: (performance.now() - startedMs) / 1000 })
  // Covers the answer on its way and the connection after it; an answer from a file has the server's own timer.
  bun.timeout(request, secondsOf(options.connectionIdleMs))
  return response
}

const noUrl = new URL('http://host.invalid/')

/**
 * What keeps a request from having one meaning for all that read it (RFC 9112 section 3.2); whoever stands before this
 * server may have read it the other way.
 */
function problemOf(request: Request): string | undefined {
  // Bun hands on what it can't make a URL of as a bare path, joins several headers by commas, and keeps a fragment.
  if (request.url.startsWith('/')) return 'the Host header is not a host'
  if (request.headers.get('host')?.includes(',')) return 'there is more than one Host header'
  if (request.url.includes('#')) return 'a fragment is not sent'
  return undefined
}

function refuse(problem: string): Response {
  return closing(new Response(`${problem}\n`, { status: 400 }))
}

/** Surfaces answer their own errors; what gets past them is a defect of theirs, logged like any other. */
async function perform(options: ServeOptions, exchange: Exchange): Promise<Response> {
  try {
    return await options.surfaceFor(exchange.url, exchange.request)(exchange)
  } catch (error) {
    exchange.log.error = error
    return closing(new Response('internal error\n', { status: 500 }))
  }
}

function urlOf({ listen, tls }: ServeOptions, server: Server<undefined>): string {
  if (listen.kind === 'unix') return 'http://localhost'
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${tls ? 'https' : 'http'}://${host}:${server.port}`
}

/** Why nothing can be listened on, as a sentence that says what to do. */
function translateListenErrors<T>(listen: ServeOptions['listen'], start: () => T): T {
  try {
    return start()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const where = listen.kind === 'unix' ? listen.path : `${listen.host}:${listen.port}`
    const reasons: Record<string, string> = {
      EADDRINUSE: `${where} is taken by another program: stop it, or choose another address with --listen or STOWER_LISTEN`,
      EACCES: `this user may not listen on ${where}: choose a port above 1023 with --listen or STOWER_LISTEN`,
      EADDRNOTAVAIL: `this machine does not have the address of ${where}: choose another with --listen or STOWER_LISTEN`,
    }
    const reason = reasons[code] ?? `cannot listen on ${where} (${code || String(cause)})`
    throw new DomainError('unavailable', reason, {}, { cause })
  }
}
