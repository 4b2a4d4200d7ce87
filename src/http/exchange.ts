import type { Origin } from '../core/caller.ts'
import type { BodyWatch } from './body-watch.ts'

/**
 * One request as every surface sees it. The URL is parsed once and serves routing, access, signature check and log, so
 * that no two of them can read it differently.
 */
export type Exchange = {
  request: Request
  /** As received, percent-encoding kept; `url.pathname` is the raw path. */
  url: URL
  origin: Origin
  /** It came over TLS, or a trusted proxy says that it did. */
  isSecure: boolean
  /** The Host header, and behind it the one that a trusted proxy says there was, where that is another. */
  hosts: readonly string[]
  /** The address clients reach this server under, e.g. `https://swr.example.org`; no slash at the end. */
  baseUrl: string
  /** Aborted when the client goes away; requests that only read have none. */
  signal: AbortSignal | undefined
  bodyWatch: BodyWatch
  /** The whole body, where it had to be read before it was known who asks: reading it again answers these bytes. */
  keptBody?: Uint8Array
  /** Filled by surfaces for the access line. */
  log: ExchangeLog
}

/** What a surface knows of a request that its access line should say. */
export type ExchangeLog = {
  /** Kind of route, never the path: `manifest`, `blob`, `repository.create`, … */
  route: string
  caller?: string
  /** Of a request that was refused: every rule that was looked at. For the log alone. */
  looked?: readonly string[]
  /** Bytes of the answer's body, offered to the kernel. */
  bytes?: number
  /** Set for answers of 5xx: logged once, with the stack. */
  error?: unknown
}

/** What the program listens with: one surface each. Undefined: the path is not this surface's. */
export type Surface = (exchange: Exchange) => Promise<Response> | Response
