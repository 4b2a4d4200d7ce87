import { join } from 'node:path'
import type { Registry } from './registry.ts'

export type Load = {
  path: string
  headers?: Readonly<Record<string, string>>
  connections: number
  seconds: number
  /** Of the client; one unless it is given. */
  threads?: number
}

export type Figures = { requests: number; bytes: number; seconds: number; latency: { p50Ms: number; p99Ms: number } }

export const isWrkInstalled = Bun.which('wrk') !== null

/** GETs one path again and again. Throws for any error. */
export async function runWrk(registry: Registry, load: Load): Promise<Figures> {
  const child = startWrk(registry, load)
  const said = await new Response(child.stdout).text()
  const figures = /^figures (.*)$/m.exec(said)?.[1]?.split(' ').map(Number) ?? []
  const [requests = 0, bytes = 0, microseconds = 0, errors = 0, p50 = 0, p99 = 0] = figures
  if (requests === 0 && errors === 0) throw new Error(`no answer to ${load.path} within ${load.seconds} s`)
  if (errors > 0) throw new Error(`wrk ${load.path}:\n${said}`)
  return { requests, bytes, seconds: microseconds / 1e6, latency: { p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 } }
}

/** GETs one path on every connection until it is disposed: for what is measured beside it. */
export function wrkInBackground(registry: Registry, load: Omit<Load, 'seconds'>): AsyncDisposable {
  const child = startWrk(registry, { ...load, seconds: 600 })
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await child.exited
    },
  }
}

function startWrk(registry: Registry, { path, headers, connections, seconds, threads = 1 }: Load) {
  const fields = Object.entries({
    ...headers,
    ...(registry.authorization !== undefined && { Authorization: registry.authorization }),
  }).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = [
    `-t${threads}`,
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '60s',
    '-s',
    join(import.meta.dir, 'wrk.lua'),
  ]
  const url = `http://${registry.host}/v2/${path}`
  return Bun.spawn(['wrk', ...options, ...fields, url], { stdout: 'pipe', stderr: 'inherit' })
}
