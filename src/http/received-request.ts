import { DomainError, isDomainError } from '../core/errors.ts'
import type { ReceivedRequest } from '../protocol/auth/signing/received-request.ts'
import { readBody } from './body.ts'
import type { Exchange } from './exchange.ts'

/**
 * The request as a signature is held against it. Its body is read at most once, up to the limit, and kept for whoever
 * parses it then; `body` throws `body_too_large`, or `body_unparsable` where it ends early.
 *
 * Path and query are those that routing reads. Bun has resolved `.` and `..`, encoded or not, and backslashes of a path
 * by then, and escaped what may not stand in a URL: a request that was signed with such a path is refused, because what
 * would be done is not what was signed.
 */
export function receivedRequest(exchange: Exchange, limitBytes: number): ReceivedRequest {
  const { request, url } = exchange
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: request.headers,
    hosts: exchange.hosts,
    isSecure: exchange.isSecure,
    body: async () => {
      exchange.keptBody ??= await readBody(exchange, limitBytes).catch(cause => {
        if (isDomainError(cause)) throw cause
        throw new DomainError('body_unparsable', 'the request body ended early', {}, { cause })
      })
      return exchange.keptBody
    },
  }
}
