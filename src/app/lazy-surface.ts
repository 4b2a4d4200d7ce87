import type { Surface } from '../http/exchange.ts'

/**
 * A surface whose modules are loaded by the first request to it: schemas are most of what a start would evaluate, and a
 * server that is only pulled from never needs them.
 */
export function whenAsked(open: () => Promise<Surface>): Surface {
  let opening: Promise<Surface> | undefined
  let surface: Surface | undefined
  return exchange => {
    if (surface) return surface(exchange)
    opening ??= open()
    return opening.then(opened => {
      surface = opened
      return opened(exchange)
    })
  }
}
