import { createOrganization, logins, type Program, startProgram } from '../program.ts'
import { waitUntil } from '../wait.ts'
import { Images, type World } from './client.ts'
import { makeContent } from './content.ts'
import { type Figures, openFigures } from './figures.ts'
import { pullUntilStopped } from './puller.ts'
import { pushUntilStopped, repositories } from './pusher.ts'
import { Tally } from './tally.ts'

export type SoakOptions = {
  seconds: number
  pushes: number
  pulls: number
  /** PostgreSQL; without it the embedded SQLite. */
  databaseUrl?: string
}

export type SoakReport = {
  /** Every operation with its outcomes and how often each was, with tabs between. */
  lines: readonly string[]
  exchanges: number
  /** What no client caused: answers, contents and ends of connections without an explanation. */
  unexplained: readonly string[]
  before: Figures
  /** Under load, every tenth of the time. */
  during: readonly Figures[]
  /** When everything has come to rest. */
  after: Figures
}

const settleLimitMs = 90_000
/** Of ours: a connection that stays would count as one that a client left behind. */
const onlyRequest = { connection: 'close' }

/**
 * Lets many clients push, pull, delete and go away in the middle, all at once, against a program of its own; then waits
 * until it has come to rest, and measures what is left. Throws when it does not.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const settings = {
    STOWER_TOKENS_DOCKER_LIFE: '24h',
    STOWER_LOG_LEVEL: 'error',
    ...(options.databaseUrl !== undefined && { STOWER_DATABASE_URL: options.databaseUrl }),
  }
  await using program = await startProgram({ settings })
  await createOrganization(program, 'soak')
  await using figures = await openFigures(program, options.databaseUrl)
  const tally = new Tally()
  const endMs = performance.now() + options.seconds * 1000
  const world: World = {
    host: program.host,
    authorization: await bearerToken(program),
    tally,
    cutShare: 0.06,
    shouldStop: () => performance.now() > endMs,
    images: new Images(),
  }
  const before = await figures.take()
  // While it started it said 503.
  const failedBefore = await failedRequests(program)
  const clients = [
    ...Array.from({ length: options.pushes }, (_each, number) => pushUntilStopped(world, number)),
    ...Array.from({ length: options.pulls }, () => pullUntilStopped(world)),
  ]
  const during: Figures[] = []
  const observer = setInterval(() => void figures.take().then(taken => during.push(taken)), options.seconds * 100)
  await Promise.all(clients)
  clearInterval(observer)

  // The program is at rest when nothing of what the clients did goes on: no request, no lease, no open connection.
  let after = await figures.take()
  const isAtRest = async () => {
    after = await figures.take()
    return after.heldUploads === 0 && after.descriptors <= before.descriptors && after.strays === 0
  }
  await waitUntil(isAtRest, () => `the program is at rest: ${JSON.stringify({ before, after })}`, settleLimitMs)
  const failed = (await failedRequests(program)) - failedBefore
  if (failed > 0) tally.fault(`the program counts ${failed} answers of 5xx: ${program.output()}`)
  return { lines: tally.lines(), exchanges: tally.exchanges, unexplained: tally.unexplained, before, during, after }
}

/** A token for all that the clients do. Deleting is granted only where there is a repository, so they are made first. */
async function bearerToken({ url }: Program): Promise<string> {
  const { user, password } = logins.password
  const headers = { ...onlyRequest, authorization: `Basic ${btoa(`${user}:${password}`)}` }
  const query = new URLSearchParams({ service: 'dockyard' })
  const { digest } = makeContent(0)
  for (const name of repositories) {
    query.append('scope', `repository:${name}:pull,push,delete`)
    const made = await fetch(`${url}/v2/${name}/blobs/uploads/?mount=${digest}`, { method: 'POST', headers })
    await fetch(`${url}${made.headers.get('location')}`, { method: 'DELETE', headers })
  }
  const answer = await fetch(`${url}/swr/auth/v2/registry/auth/?${query}`, { headers })
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  return `Bearer ${((await answer.json()) as { token: string }).token}`
}

/** Answers of 5xx, also those that no client stayed to see. */
async function failedRequests({ url }: Program): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: onlyRequest })).text()
  const counts = [...text.matchAll(/^stower_http_requests_total\{[^}]*status="5xx"[^}]*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}
