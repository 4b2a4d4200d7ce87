import { initialSettings } from '../../../test/initial-settings.ts'
import { freePort } from '../../../test/postgres-server.ts'
import { startTestServer } from '../../../test/server.ts'
import { credentials, logins } from '../../program.ts'
import type { ClientName, Pulled, Pushed } from '../client.ts'
import { openStageOver, type Served } from '../stage.ts'
import { openTap, type Tap } from '../tap.ts'

/** What came of a push during which the token of its client expired. */
export type PushOverExpiry = { pushed: Pushed; pulled: Pulled; tokensAskedForAfterwards: number }

/** A push of each client, all at once, so that they wait together for the tokens to expire. */
export type PushesOverExpiry = AsyncDisposable & { readonly of: (name: ClientName) => Promise<PushOverExpiry> }

/** Clients take no token for shorter than a minute, whatever the registry says. */
const tokenLifeMs = 60_000
/** By then a clock that is a little behind has no token that counts either. */
const leewayMs = 60_000

/**
 * Has the clients push through a registry that answers each upload only when the tokens of all are older than they may
 * be. The clients have clocks of their own and have to live through that minute; the registry's clock is put forward.
 */
export async function startPushesOverExpiry(names: readonly ClientName[]): Promise<PushesOverExpiry> {
  await using opened = new AsyncDisposableStack()
  const port = await freePort()
  const tap = opened.use(await openTap(`127.0.0.1:${port}`))
  let passedMs = 0
  const program = await serve(port, tap, () => Date.now() + passedMs)
  const stage = opened.use(await openStageOver(program, { layerCount: 2 }))
  const upload =
    /^(PATCH|PUT) \/v2\/group\/[a-z]+\/blobs\/uploads\/|^POST \/v2\/group\/[a-z]+\/blobs\/uploads\/\S*digest=/
  const hold = tap.hold(upload)
  let released = Number.POSITIVE_INFINITY
  const push = async (name: ClientName): Promise<PushOverExpiry> => {
    const client = await stage.newClient(name)
    await client.logIn(tap.host, logins.password)
    const image = `${tap.host}/group/${name}:1.0.0`
    const pushed = await client.push(await stage.content(), image)
    const later = tap.requests.slice(released)
    return { pushed, tokensAskedForAfterwards: later.filter(isTokenFor(name)).length, pulled: await client.pull(image) }
  }
  const results = new Map(names.map(name => [name, push(name)]))
  // Of a client that fails before, its own test tells.
  const isHeld = ([name, result]: [ClientName, Promise<unknown>]) =>
    Promise.race([hold.reachedBy(`/v2/group/${name}/`), result.catch(() => {})])
  const expired = Promise.all([...results].map(isHeld)).then(async () => {
    await Bun.sleep(tokenLifeMs + 1_000)
    passedMs += tokenLifeMs + leewayMs
    released = tap.requests.length
    hold.release()
  })
  const lasting = opened.move()
  return {
    of: async name => {
      const result = results.get(name)
      if (!result) throw new Error(`${name} pushes nothing`)
      return result
    },
    [Symbol.asyncDispose]: async () => {
      await expired
      await Promise.allSettled(results.values())
      await lasting.disposeAsync()
    },
  }
}

/** A registry in this process, whose clock can be put forward, that says it is where the tap is. */
async function serve(port: number, tap: Tap, nowMs: () => number): Promise<Served> {
  const settings = {
    STOWER_LISTEN: `127.0.0.1:${port}`,
    STOWER_EXTERNAL_URL: `http://${tap.host}`,
    STOWER_TOKENS_DOCKER_LIFE: `${tokenLifeMs / 1000}s`,
    ...initialSettings(credentials),
  }
  const { url, host, dataDir, stop } = await startTestServer('sqlite', settings, { clock: { nowMs } })
  return { url, host, dataDir, [Symbol.asyncDispose]: stop }
}

function isTokenFor(name: ClientName): (request: string) => boolean {
  return request => request.includes('/registry/auth') && decodeURIComponent(request).includes(`:group/${name}:`)
}
