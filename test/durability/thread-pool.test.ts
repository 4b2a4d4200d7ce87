import { expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, digestOf } from '../crash/content.ts'
import { manifestOf, manifestType } from '../crash/load.ts'
import { bearerToken, insertOrganization } from '../crash/organization.ts'
import { spawnServer } from '../crash/server-process.ts'

/*
 * A slow disk is played by named pipes that nobody writes to: opening one waits in a thread of the file pool, as a slow
 * fsync would.
 */

test('with 8 file operations stuck, a pull, a blob push and a manifest push are still answered', async () => {
  expect(await pushWhileBlocked({ threads: 32, stuck: 8 })).toEqual([200, 201, 201])
}, 20_000)

test('with every thread of the pool stuck a pull is answered, and pushes wait until one comes free', async () => {
  expect(await pushWhileBlocked({ threads: 8, stuck: 8 })).toEqual([200, 'waits', 'waits'])
}, 20_000)

/** How a pull, a blob push and a manifest push fare: their status, or `waits` when there is none after a second. */
async function pushWhileBlocked({ threads, stuck }: { threads: number; stuck: number }): Promise<(number | 'waits')[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-threads-'))
  const dataDir = join(folder, 'data')
  const pipes = Array.from({ length: stuck }, (_, number) => join(folder, `pipe-${number}`))
  Bun.spawnSync(['mkfifo', ...pipes])
  const server = await spawnServer({ dataDir, threads })
  try {
    const url = await server.ready
    await insertOrganization({ dataDir }, 'slow')
    const authorization = await bearerToken(url, ['slow/disk'])
    const [first, second] = [1, 2].map(seed => {
      const content = { seed, sizeBytes: 100_000 }
      return { ...content, digest: digestOf(bytesOf(content)) }
    })
    if (!first || !second) throw new Error('two contents are made')
    const ask = (method: string, path: string, body?: NonNullable<RequestInit['body']>) =>
      fetch(`${url}/v2/slow/disk/${path}`, {
        method,
        headers: { authorization, 'content-type': manifestType },
        ...(body !== undefined && { body }),
      }).then(async answer => {
        await answer.arrayBuffer()
        return answer.status
      })
    expect(await ask('POST', `blobs/uploads/?digest=${first.digest}`, bytesOf(first))).toBe(201)

    await server.block(pipes)
    await allWaiting(server.pid, stuck)
    const asked = [
      ask('GET', `blobs/${first.digest}`),
      ask('POST', `blobs/uploads/?digest=${second.digest}`, bytesOf(second)),
      ask('PUT', 'manifests/latest', manifestOf(first, [], 0)),
    ]
    const fared = await Promise.all(
      asked.map(answer => Promise.race([answer, Bun.sleep(1_000).then(() => 'waits' as const)])),
    )
    await Promise.all(pipes.map(async pipe => (await open(pipe, 'w')).close()))
    expect(await Promise.all(asked)).toEqual([200, 201, 201])
    return fared
  } finally {
    server.kill()
    await server.ended
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Resolves when so many threads of a process wait for the other end of a pipe. */
async function allWaiting(pid: number, count: number): Promise<void> {
  const task = `/proc/${pid}/task`
  const deadline = performance.now() + 5_000
  for (;;) {
    // What each thread waits for, as a name of the kernel's own.
    const places = await Promise.all(readdirSync(task).map(thread => Bun.file(`${task}/${thread}/wchan`).text()))
    if (places.filter(place => place === 'wait_for_partner').length === count) return
    if (performance.now() > deadline) throw new Error(`threads wait in ${places.join(', ')}`)
    await Bun.sleep(5)
  }
}
