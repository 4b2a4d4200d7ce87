import { expect } from 'bun:test'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, digestOf } from '../crash/content.ts'
import { manifestOf, manifestType } from '../crash/load.ts'
import { spawnServer } from '../crash/server-process.ts'
import { sha256 } from '../oci/registry-client.ts'
import { credentials, managementToken } from '../server.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { findAnswers, findBreaches, findPublished, statusOf } from './order.ts'
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
  'what is pushed, mounted, deleted or made is on disk before it is answered, and the event loop never waits for the disk',
  async () => {
    // strace shows paths as the kernel knows them.
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stower-power-')))
    const dataDir = join(folder, 'data')
    try {
      // A new folder, one that was closed, and one that was not: each begins its log in another way.
      for (const [index, end] of (['kill', 'stop', 'stop'] as const).entries()) {
        const { calls, sent } = await traceLife({ dataDir, log: join(folder, `trace-${index}`), seed: index, end })
        expect(findPublished(calls, dataDir)).toHaveLength(3)
        const answers = findAnswers(calls).slice(-sent.length)
        expect(answers.map(statusOf)).toEqual(sent.map(({ status }) => status))
        const promises = answers.filter((_, number) => sent[number]?.isPromise)
        expect(promises).toHaveLength(13)
        expect(findBreaches(calls, dataDir, promises)).toEqual([])
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000,
)

/** What a request was answered; `isPromise` unless it is a step of an upload, which a power cut may take back. */
type Sent = { status: number; isPromise: boolean }

/**
 * Starts a server under strace, makes an organization and a repository in it, pushes a blob in each way and a manifest,
 * mounts a blob, and deletes all of it again; answers its system calls.
 */
async function traceLife(run: {
  dataDir: string
  log: string
  seed: number
  end: 'kill' | 'stop'
}): Promise<{ calls: SystemCall[]; sent: Sent[] }> {
  const { dataDir, log, seed } = run
  const under = [requireTool('strace'), '-f', '-y', '-s', '64', '-o', log, '-e', `trace=${traced.join(',')}`]
  const server = await spawnServer({ dataDir, under })
  const sent: Sent[] = []
  try {
    const url = await server.ready
    const organization = `durable${seed}`
    const [image, other] = [`${organization}/image`, `${organization}/other`]
    // A token would name a repository that is not there yet.
    const authorization = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
    const token = await managementToken({ url })
    const send = async (method: string, path: string, body?: NonNullable<RequestInit['body']>, type?: string) => {
      const isRegistry = !path.startsWith('/v2/manage/')
      const headers = {
        ...(isRegistry ? { authorization } : { 'x-auth-token': token }),
        ...(type !== undefined && { 'content-type': type }),
      }
      const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) })
      await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`)
      const isPromise = method === 'DELETE' || answer.status === 201
      sent.push({ status: answer.status, isPromise })
      return answer.headers.get('location') ?? ''
    }
    const contents = [1, 2, 3].map(number => {
      const content = { seed: seed * 10 + number, sizeBytes: 70_000 }
      return { ...content, digest: digestOf(bytesOf(content)) }
    })
    const [one, two, three] = contents
    if (!one || !two || !three) throw new Error('three contents are made')
    const json = 'application/json'
    await send('POST', '/v2/manage/namespaces', JSON.stringify({ namespace: organization }), json)
    const repository = JSON.stringify({ repository: 'image', is_public: false })
    await send('POST', `/v2/manage/namespaces/${organization}/repos`, repository, json)
    const uploads = `/v2/${image}/blobs/uploads/`
    await send('POST', `${uploads}?digest=${one.digest}`, bytesOf(one))
    await send('PUT', `${await send('POST', uploads)}?digest=${two.digest}`, bytesOf(two))
    const begun = await send('PATCH', await send('POST', uploads), bytesOf(three))
    await send('PUT', `${begun}?digest=${three.digest}`)
    const manifest = manifestOf(one, [two, three], seed)
    await send('PUT', `/v2/${image}/manifests/latest`, manifest, manifestType)
    await send('POST', `/v2/${other}/blobs/uploads/?mount=${one.digest}&from=${image}`)
    await send('DELETE', `/v2/${other}/blobs/${one.digest}`)
    await send('DELETE', `/v2/${image}/manifests/latest`)
    await send('DELETE', `/v2/${image}/manifests/${sha256(manifest)}`)
    await send('DELETE', `/v2/manage/namespaces/${organization}/repos/image`)
    await send('DELETE', `/v2/manage/namespaces/${organization}/repos/other`)
    await send('DELETE', `/v2/manage/namespaces/${organization}`)
  } finally {
    if (run.end === 'kill') server.die()
    else server.stop()
    await server.ended
  }
  return { calls: parseTrace(readFileSync(log, 'utf8')), sent }
}
