import type { Registry } from './registry.ts'

export type Load = { path: string; headers?: Readonly<Record<string, string>> }

export const connections = 16

export const isWrkInstalled = Bun.which('wrk') !== null

/** GETs one path again and again; resolves to the number of requests and the seconds they took. Throws for any error. */
export async function runWrk(registry: Registry, load: Load, seconds: number) {
  const headers = {
    ...load.headers,
    ...(registry.authorization !== undefined && { Authorization: registry.authorization }),
  }
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const url = `http://${registry.host}/v2/${registry.repository}/${load.path}`
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, ...fields, url]
  const child = Bun.spawn(['wrk', ...args], { stdout: 'pipe', stderr: 'inherit' })
  const said = await new Response(child.stdout).text()
  const [, requests, duration] = /(\d+) requests in ([\d.]+)s/.exec(said) ?? []
  if (!requests || Number(requests) === 0 || /Non-2xx|Socket errors/.test(said)) throw new Error(`wrk ${url}:\n${said}`)
  return { requests: Number(requests), seconds: Number(duration) }
}
