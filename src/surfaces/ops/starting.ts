import type { Surface } from '../../http/exchange.ts'

/** Answers while the first start is still making what everything else needs. */
export function openStartingSurface(): Surface {
  return ({ log, url }) => {
    log.route = 'none'
    const isAlive = url.pathname === '/livez'
    return new Response(isAlive ? 'ok\n' : 'stower is starting\n', {
      status: isAlive ? 200 : 503,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' },
    })
  }
}
