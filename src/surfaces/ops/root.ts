import type { Surface } from '../../http/exchange.ts'

/** Whatever no protocol answers. */
export function openRootSurface(): Surface {
  return ({ log }) => {
    log.route = 'none'
    return new Response('there is nothing at this path\n', {
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    })
  }
}
