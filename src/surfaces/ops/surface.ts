import { isDomainError } from '../../core/errors.ts'
import type { Surface } from '../../http/exchange.ts'
import type { Metrics } from '../../telemetry/metrics.ts'

export type OpsDeps = {
  metrics: Metrics
  /** The parts that have to work, by name; each throws what is wrong with it. */
  checks: Readonly<Record<string, () => Promise<void>>>
}

/** How long one part may take to answer before it counts as failed. */
const checkLimitMs = 5_000

/** For machines that look after this one: `/livez`, `/readyz`, `/metrics`. */
export function openOpsSurface(deps: OpsDeps): Surface {
  return async ({ url, log }) => {
    log.route = `ops.${url.pathname.slice(1)}`
    switch (url.pathname) {
      case '/livez':
        return text(200, 'ok\n')
      case '/readyz':
        return readiness(deps)
      default:
        return new Response(await deps.metrics.registry.metrics(), {
          headers: { 'content-type': deps.metrics.registry.contentType },
        })
    }
  }
}

/** One line a part, so that a person sees at once which one is broken. */
async function readiness(deps: OpsDeps): Promise<Response> {
  const names = Object.keys(deps.checks)
  const results = await Promise.all(Object.values(deps.checks).map(check => outcome(check)))
  const isReady = results.every(result => result === 'ok')
  deps.metrics.setReady(isReady)
  return text(isReady ? 200 : 503, names.map((name, index) => `${name}: ${results[index]}\n`).join(''))
}

async function outcome(check: () => Promise<void>): Promise<string> {
  let timer: Timer | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve(`no answer within ${checkLimitMs} ms`), checkLimitMs)
  })
  const answer = check().then(
    () => 'ok',
    error => (isDomainError(error) ? error.message : 'failed'),
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
