import { bytesOf, type Content, digestOf } from './content.ts'
import type { Ledger, Push, Upload } from './ledger.ts'
import { manifestType } from './load.ts'

export type Registry = { url: string; authorization: string }

/** What is wrong after a restart: one sentence for each loss. An empty list is the aim. */
export async function findLosses(registry: Registry, ledger: Ledger): Promise<string[]> {
  const losses: (string | undefined)[] = []
  for (const upload of ledger.uploads) losses.push(await resume(registry, ledger, upload))
  losses.push(...(await Promise.all(ledger.pushes.map(push => checkPush(registry, push)))))
  for (const tag of ledger.tags.values()) losses.push(await checkTag(registry, ledger, tag))
  return losses.filter(loss => loss !== undefined)
}

/** Whole, or, when it was not answered, not there at all. */
export async function checkPush(registry: Registry, push: Push): Promise<string | undefined> {
  const { digest } = push.kind === 'blob' ? push.content : push
  const kind = push.kind === 'blob' ? 'blobs' : 'manifests'
  const answer = await ask(registry, 'GET', `/v2/${push.repository}/${kind}/${digest}`)
  const content = new Uint8Array(await answer.arrayBuffer())
  const name = `the ${push.kind} ${digest} of ${push.repository}`
  if (answer.status === 404) return push.isAnswered ? `${name} was answered 201 and is gone` : undefined
  if (answer.status !== 200) return `${name} is answered ${answer.status}`
  if (digestOf(content) !== digest) return `${name} has other bytes (${content.byteLength})`
  if (push.kind === 'blob') return undefined
  for (const blob of push.blobs) {
    const missing = await checkPush(registry, {
      kind: 'blob',
      repository: push.repository,
      content: blob,
      isAnswered: true,
    })
    if (missing !== undefined) return `${name} is there, but ${missing}`
  }
  return undefined
}

async function checkTag(
  registry: Registry,
  ledger: Ledger,
  { repository, tag, digests }: { repository: string; tag: string; digests: readonly string[] },
): Promise<string | undefined> {
  const answer = await ask(registry, 'GET', `/v2/${repository}/manifests/${tag}`, {
    headers: { accept: manifestType },
  })
  const digest = digestOf(await answer.text())
  const isEverAnswered = ledger.pushes.some(
    push => push.kind === 'manifest' && push.isAnswered && digests.includes(push.digest),
  )
  if (answer.status === 404)
    return isEverAnswered ? `the tag ${repository}:${tag} was answered 201 and is gone` : undefined
  if (answer.status !== 200) return `the tag ${repository}:${tag} is answered ${answer.status}`
  if (!digests.includes(digest) && isEverAnswered)
    return `the tag ${repository}:${tag} shows an older manifest ${digest}`
  return undefined
}

/** Goes on with an upload where the server told it would, and ends it. */
async function resume(registry: Registry, ledger: Ledger, upload: Upload): Promise<string | undefined> {
  const name = `the upload ${upload.path} (told ${upload.offsetBytes} of ${upload.content.sizeBytes})`
  const told = await ask(registry, 'GET', upload.path)
  if (told.status === 404) {
    if (!upload.isClosing && upload.offsetBytes > 0) return `${name} is gone`
    return undefined
  }
  if (told.status !== 204) return `${name} is answered ${told.status}`
  // Nothing and one byte read alike (`0-0`); no upload of the load stands at one byte.
  const lastByte = Number(told.headers.get('range')?.split('-')[1])
  const offsetBytes = lastByte === 0 ? 0 : lastByte + 1
  if (offsetBytes < upload.offsetBytes) return `${name} stands at ${offsetBytes}`
  const rest = bytesOf(upload.content).slice(offsetBytes)
  const patched = await ask(registry, 'PATCH', upload.path, { body: rest })
  if (patched.status !== 202)
    return `${name} is not resumed at ${offsetBytes}: ${patched.status} ${await patched.text()}`
  const closed = await ask(registry, 'PUT', `${upload.path}?digest=${upload.content.digest}`)
  if (closed.status !== 201) return `${name} is not ended: ${closed.status} ${await closed.text()}`
  ledger.pushes.push({ kind: 'blob', repository: upload.repository, content: upload.content, isAnswered: true })
  return undefined
}

/** Every file below `blobs/` holds what its name says: bytes appear there whole or not at all. */
export async function findTornFiles(dataDir: string): Promise<string[]> {
  const torn: string[] = []
  for await (const path of new Bun.Glob('blobs/sha256/*/*').scan({ cwd: dataDir, onlyFiles: true })) {
    const named = /([0-9a-f]{64})\.[^/]+$/.exec(path)?.[1]
    const found = digestOf(await Bun.file(`${dataDir}/${path}`).bytes())
    if (found !== `sha256:${named}`) torn.push(`${path} holds ${found}`)
  }
  return torn
}

/** Blobs that answered pushes left in the repositories. */
export function heldBlobs(pushes: readonly Push[]): { repository: string; content: Content }[] {
  return pushes.flatMap(push =>
    push.kind === 'blob' && push.isAnswered ? [{ repository: push.repository, content: push.content }] : [],
  )
}

function ask(
  { url, authorization }: Registry,
  method: string,
  path: string,
  init: { body?: Uint8Array<ArrayBuffer>; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${url}${path}`, { method, ...init, headers: { ...init.headers, authorization } })
}
