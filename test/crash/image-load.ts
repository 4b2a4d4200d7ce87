import { bytesOf, type Content, digestOf, makeContent } from './content.ts'
import { manifestOf, manifestType } from './load.ts'
import type { Random } from './random.ts'

export const sweptRepositories = ['crash/swept', 'crash/other']

/** An image and what its client knows of it. What was asked for and not answered may have happened or not. */
export type Image = {
  repository: string
  digest: string
  blobs: readonly Content[]
  state: 'pushing' | 'pushed' | 'deleting' | 'deleted'
}

export type ImageLoad = {
  url: string
  authorization: string
  random: Random
  images: Image[]
  pool: readonly Content[]
}

/** Few enough that the same digests are pushed, swept and pushed again all the time. */
export function makePool(random: Random): Content[] {
  return Array.from({ length: 12 }, () => makeContent(random))
}

export async function makeRepositories(load: ImageLoad): Promise<void> {
  for (const name of sweptRepositories) await send(load, 'POST', `/v2/${name}/blobs/uploads/`, [202])
}

/** Pushes and deletes images until the server is gone. Throws for an answer that nobody should get. */
export async function pushImagesUntilGone(load: ImageLoad, clients: number): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, async () => {
      try {
        for (;;) await (isFull(load) || load.random.chance(0.2) ? deleteImage(load) : pushImage(load))
      } catch (error) {
        if (!(error instanceof Gone)) throw error
      }
    }),
  )
}

/** With few images at a time most blobs are named by none, and always others. */
function isFull({ images }: ImageLoad): boolean {
  return images.filter(image => image.state === 'pushed').length > 4
}

async function pushImage(load: ImageLoad): Promise<void> {
  const { random, pool } = load
  const repository = random.pick(sweptRepositories) ?? ''
  const blobs = Array.from({ length: random.between(1, 3) }, () => random.pick(pool)).filter(blob => blob !== undefined)
  const [config, ...layers] = blobs
  if (!config) return
  const body = manifestOf(config, layers, random.next())
  const image: Image = { repository, digest: digestOf(body), blobs, state: 'pushing' }
  load.images.push(image)
  const path = `/v2/${repository}/manifests/${image.digest}`
  const headers = { 'content-type': manifestType }
  for (let tries = 0; tries < 20; tries++) {
    for (const blob of blobs) await pushBlob(load, repository, blob)
    // Without a grace time a sweep may take a blob between its push and the manifest: then the client pushes again.
    const answer = await send(load, 'PUT', path, [201, 404], { body, headers })
    if (answer.status === 404) continue
    image.state = 'pushed'
    return
  }
}

async function pushBlob(load: ImageLoad, repository: string, content: Content): Promise<void> {
  const { random } = load
  const uploads = `/v2/${repository}/blobs/uploads/`
  const body = bytesOf(content)
  if (random.chance(0.3)) {
    const looked = await send(load, 'HEAD', `/v2/${repository}/blobs/${content.digest}`, [200, 404])
    if (looked.status === 200) return
  }
  if (random.chance(0.2)) {
    const from = sweptRepositories.find(name => name !== repository)
    const mounted = await send(load, 'POST', `${uploads}?mount=${content.digest}&from=${from}`, [201, 202])
    if (mounted.status === 201) return
  }
  await send(load, 'POST', `${uploads}?digest=${content.digest}`, [201], { body })
}

async function deleteImage(load: ImageLoad): Promise<void> {
  const image = load.random.pick(load.images.filter(each => each.state === 'pushed'))
  if (!image) return pushImage(load)
  image.state = 'deleting'
  await send(load, 'DELETE', `/v2/${image.repository}/manifests/${image.digest}`, [202])
  image.state = 'deleted'
}

/** What is wrong with the images after a restart, one sentence for each. */
export async function findLostImages(load: ImageLoad): Promise<string[]> {
  // Of what was deleted the newest will do: the others were looked at before.
  const deleted = load.images.filter(image => image.state === 'deleted').slice(0, -50)
  const images = load.images.filter(image => !deleted.includes(image))
  const looked = await Promise.all(images.map(image => lookAt(load, image)))
  return looked.filter(loss => loss !== undefined)
}

async function lookAt(load: ImageLoad, image: Image): Promise<string | undefined> {
  const name = `the image ${image.digest} of ${image.repository}, ${image.state},`
  const answer = await send(load, 'GET', `/v2/${image.repository}/manifests/${image.digest}`, [200, 404])
  if (answer.status === 404) return image.state === 'pushed' ? `${name} is gone` : undefined
  if (image.state === 'deleted') return `${name} is there`
  for (const blob of image.blobs) {
    const content = await send(load, 'GET', `/v2/${image.repository}/blobs/${blob.digest}`, [200, 404, 503])
    const isRight = content.status === 200 && digestOf(content.bytes) === blob.digest
    if (!isRight) return `${name} answers ${content.status} for the blob ${blob.digest}`
  }
  return undefined
}

type Answer = { status: number; headers: Headers; bytes: Uint8Array }

async function send(
  { url, authorization }: ImageLoad,
  method: string,
  path: string,
  expected: readonly number[],
  init: { body?: NonNullable<RequestInit['body']>; headers?: Record<string, string> } = {},
): Promise<Answer> {
  let answer: Response
  let bytes: Uint8Array
  try {
    answer = await fetch(`${url}${path}`, { method, ...init, headers: { authorization, ...init.headers } })
    bytes = new Uint8Array(await answer.arrayBuffer())
  } catch (cause) {
    throw new Gone('the server is gone', { cause })
  }
  if (!expected.includes(answer.status)) {
    throw new Error(`${method} ${path} was answered ${answer.status}: ${new TextDecoder().decode(bytes)}`)
  }
  return { status: answer.status, headers: answer.headers, bytes }
}

/** The connection broke, as it does when the server dies. */
class Gone extends Error {}
