import type { Surface } from '../../http/exchange.ts'
import type { Metrics } from '../../telemetry/metrics.ts'

export type OpsDeps = {
  metrics: Metrics
  /** The parts that have to work, by name; each throws what is wrong with it. */
  checks: Readonly<Record<string, () => Promise<void>>>
  /** JSON that describes the APIs, by path. */
  documents: Readonly<Record<string, () => Promise<string>>>
}

/** How long one part may take to answer before it counts as failed. */
const checkLimitMs = 5_000

/** For machines that look after this one, or learn to: `/livez`, `/readyz`, `/metrics`, `/openapi.json`. */
export function openOpsSurface(deps: OpsDeps): Surface {
  const check = shared(() => readiness(deps))
  return async ({ url, log }) => {
    log.route = `ops.${url.pathname.slice(1)}`
    const document = deps.documents[url.pathname]
    if (document !== undefined) {
      return new Response(await document(), { headers: { 'content-type': 'application/json' } })
    }
    switch (url.pathname) {
      case '/livez':
        return text(200, 'ok\n')
      case '/readyz': {
        const { isReady, page, failure } = await check()
        if (failure !== undefined) log.error = failure
        return text(isReady ? 200 : 503, page)
      }
      default: {
        const { contentType, text: page } = await deps.metrics.page()
        return new Response(page, { headers: { 'content-type': contentType } })
      }
    }
  }
}

type Readiness = { isReady: boolean; page: string; failure: unknown }

/**
 * One line a part, so that a person sees at once which one is broken. What is wrong with it is for the log: anyone may
 * ask here, and the sentence may name files and hosts.
 */
async function readiness(deps: OpsDeps): Promise<Readiness> {
  const names = Object.keys(deps.checks)
  const failures = await Promise.all(Object.values(deps.checks).map(check => failureOf(check)))
  const isReady = failures.every(failure => failure === undefined)
  deps.metrics.setReady(isReady)
  const lines = names.map((name, index) => `${name}: ${failures[index] === undefined ? 'ok' : 'failed'}\n`)
  return { isReady, page: lines.join(''), failure: failures.find(failure => failure !== undefined) }
}

async function failureOf(check: () => Promise<void>): Promise<unknown> {
  let timer: Timer | undefined
  const late = new Promise<Error>(resolve => {
    timer = setTimeout(() => resolve(new Error(`no answer within ${checkLimitMs} ms`)), checkLimitMs)
  })
  const answer = check().then(
    () => undefined,
    error => error ?? new Error('failed'),
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** How long an answer counts: whoever asks often costs the disk no more than whoever asks now and then. */
const answerLifeMs = 1_000

function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let latest: { answer: Promise<T>; untilMs: number } | undefined
  return () => {
    const nowMs = performance.now()
    if (!latest || nowMs > latest.untilMs) latest = { answer: work(), untilMs: nowMs + answerLifeMs }
    return latest.answer
  }
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
