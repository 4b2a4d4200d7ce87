import type { Server } from 'bun'
import { DomainError } from '../core/errors.ts'
import { closing } from './body.ts'
import type { Exchange, Surface } from './exchange.ts'
import { type ExchangeSettings, ServedExchange } from './served-exchange.ts'

export type ServeOptions = ExchangeSettings & {
  listen: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }
  /** Which surface answers a path. */
  surfaceFor: (url: URL, request: Request) => Surface
  onAnswered: (answered: Answered) => void
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
  const running = new Set<ServedExchange>()
  const clock = setInterval(() => {
    for (const exchange of running) exchange.takesLonger()
  }, clockMs).unref()
  const shared = {
    // Limits on bodies are each surface's own.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    idleTimeout: Math.ceil(options.connectionIdleMs / 1000),
    fetch: (request: Request, bun: Server<undefined>) => answer(options, running, request, bun),
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
      const isBusy = () => running.size > 0 || server.pendingRequests > 0
      // Idle connections that clients keep open would hold up Bun's own promise for ever.
      while (isBusy() && performance.now() < giveUpAt) await Bun.sleep(pollMs)
      const isClean = !isBusy()
      await server.stop(true)
      // Who was cut in a body still writes down how far it came, and its client may come back for the rest.
      const lastAt = performance.now() + endLimitMs
      while (running.size > 0 && performance.now() < lastAt) await Bun.sleep(pollMs)
      clearInterval(clock)
      return isClean
    },
  }
}

const pollMs = 20
/** What has no client any more ends at once; a disk that hangs must not keep the process. */
const endLimitMs = 5_000

/** Well below the shortest time after which a connection may be closed. */
const clockMs = 250

async function answer(
  options: ServeOptions,
  running: Set<ServedExchange>,
  request: Request,
  bun: Server<undefined>,
): Promise<Response> {
  const startedMs = performance.now()
  const problem = problemOf(request)
  const url = problem === undefined ? new URL(request.url) : noUrl
  const exchange = new ServedExchange(request, url, bun, options)
  running.add(exchange)
  try {
    const response = await (problem === undefined ? perform(options, exchange) : refuse(problem))
    response.headers.set('x-request-id', exchange.origin.requestId)
    options.onAnswered({ exchange, status: response.status, seconds: (performance.now() - startedMs) / 1000 })
    exchange.answered()
    return response
  } finally {
    running.delete(exchange)
  }
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
