import { expect } from 'bun:test'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, digestOf } from '../crash/content.ts'
import { manifestOf, manifestType } from '../crash/load.ts'
import { bearerToken, insertOrganization } from '../crash/organization.ts'
import { spawnServer } from '../crash/server-process.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { findAnswers, findBreaches, findPublished } from './order.ts'
import { parseTrace, type SystemCall } from './trace.ts'

/*
 * SIGKILL leaves the page cache alive, so what a power cut would leave is read from the order of system calls.
 */

const traced = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'sync_file_range', 'msync'],
  ...['rename', 'renameat', 'renameat2', 'mkdir', 'mkdirat', 'listen', 'accept', 'accept4'],
]

testWithTools(
  ['strace'],
  'a push is on disk before it is answered, and the event loop never waits for the disk',
  async () => {
    // strace shows paths as the kernel knows them.
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stower-power-')))
    const dataDir = join(folder, 'data')
    try {
      // A new folder, one that was closed, and one that was not: each begins its log in another way.
      for (const [index, end] of (['kill', 'stop', 'stop'] as const).entries()) {
        const calls = await tracePushes({ dataDir, log: join(folder, `trace-${index}`), seed: index, end })
        expect(findAnswers(calls)).toHaveLength(4)
        expect(findPublished(calls, dataDir)).toHaveLength(3)
        expect(findBreaches(calls, dataDir)).toEqual([])
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000,
)

/** Starts a server under strace, pushes a blob in each way and a manifest, and answers its system calls. */
async function tracePushes(run: {
  dataDir: string
  log: string
  seed: number
  end: 'kill' | 'stop'
}): Promise<SystemCall[]> {
  const { dataDir, log, seed } = run
  const under = [requireTool('strace'), '-f', '-y', '-s', '64', '-o', log, '-e', `trace=${traced.join(',')}`]
  const server = await spawnServer({ dataDir, under })
  try {
    const url = await server.ready
    if (seed === 0) await insertOrganization({ dataDir }, 'durable')
    const authorization = await bearerToken(url, ['durable/image'])
    const send = async (method: string, path: string, body?: NonNullable<RequestInit['body']>, type?: string) => {
      const headers = { authorization, ...(type !== undefined && { 'content-type': type }) }
      const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) })
      await answer.text()
      return answer.headers.get('location') ?? ''
    }
    const contents = [1, 2, 3].map(number => {
      const content = { seed: seed * 10 + number, sizeBytes: 70_000 }
      return { ...content, digest: digestOf(bytesOf(content)) }
    })
    const [one, two, three] = contents
    if (!one || !two || !three) throw new Error('three contents are made')
    const uploads = '/v2/durable/image/blobs/uploads/'
    await send('POST', `${uploads}?digest=${one.digest}`, bytesOf(one))
    await send('PUT', `${await send('POST', uploads)}?digest=${two.digest}`, bytesOf(two))
    const begun = await send('PATCH', await send('POST', uploads), bytesOf(three))
    await send('PUT', `${begun}?digest=${three.digest}`)
    await send('PUT', '/v2/durable/image/manifests/latest', manifestOf(one, [two, three], seed), manifestType)
  } finally {
    if (run.end === 'kill') server.die()
    else server.stop()
    await server.ended
  }
  return parseTrace(readFileSync(log, 'utf8'))
}
