import { setTimeout as sleep } from 'node:timers/promises'
import { between, Client, chance, type Image, type World } from './client.ts'
import { headerOf } from './connection.ts'
import { type Content, makeContent, piecesOf } from './content.ts'

const imageType = 'application/vnd.oci.image.manifest.v1+json'
/** Each belongs to several pushers. */
export const repositories: readonly string[] = Array.from({ length: 8 }, (_each, number) => `soak/app${number}`)

/** Images that a pusher leaves standing; older ones it deletes. */
const keptImages = 3

/** Pushes images the ways that clients do, comes back to what was cut, and deletes its old ones. */
export async function pushUntilStopped(world: World, number: number): Promise<void> {
  using client = new Client(world)
  const pusher = new Pusher(client, repositories[number % repositories.length] ?? '', number)
  while (!world.shouldStop()) await pusher.pushImage()
}

class Pusher {
  readonly #client: Client
  readonly #repository: string
  readonly #number: number
  readonly #mine: Image[] = []
  #pushed = 0

  constructor(client: Client, repository: string, number: number) {
    this.#client = client
    this.#repository = repository
    this.#number = number
  }

  async pushImage(): Promise<void> {
    const blobs: Content[] = []
    for (let count = between(2, 4); count > 0; count--) {
      const blob = await this.#pushBlob()
      if (blob) blobs.push(blob)
    }
    const [config, ...layers] = blobs
    if (!config) return
    const image = await this.#pushManifest(config, layers)
    if (!image) return
    this.#mine.push(image)
    this.#client.world.images.add(image)
    if (chance(0.2)) await this.#pushReferrer(image)
    if (chance(0.3)) await this.#listTags(image)
    while (this.#mine.length > keptImages) await this.#deleteImage()
  }

  async #pushBlob(): Promise<Content | undefined> {
    const mounted = chance(0.15) ? await this.#mount() : undefined
    if (mounted) return mounted
    const content = makeContent(chance(0.02) ? between(2e6, 8e6) : chance(0.3) ? between(1e5, 1e6) : between(8, 2e4))
    const head = await this.#client.send(
      'HEAD blob',
      { method: 'HEAD', path: this.#blobPath(content.digest) },
      { explanations: { 404: 'not pushed yet' } },
    )
    if (head?.status === 200) this.#client.world.tally.fault(`${content.digest} was there before it was pushed`)
    const isPushed = chance(0.25) ? await this.#pushInOne(content) : await this.#pushInSession(content)
    return isPushed ? content : undefined
  }

  async #pushInOne(content: Content): Promise<boolean> {
    const answer = await this.#client.send('POST blob', {
      method: 'POST',
      path: `${this.#uploadsPath()}?digest=${content.digest}`,
      body: piecesOf(content, 0, content.sizeBytes),
    })
    return answer?.status === 201
  }

  async #pushInSession(content: Content): Promise<boolean> {
    const begun = await this.#client.send('POST upload', { method: 'POST', path: this.#uploadsPath() })
    const location = begun && headerOf(begun.headers, 'location')
    if (location === undefined) return false
    let offset = 0
    let wasCut = false
    const chunks = chance(0.5) ? 1 : between(1, 3)
    for (let chunk = 1; chunk <= chunks; chunk++) {
      const to = chunk === chunks ? content.sizeBytes : Math.floor((content.sizeBytes * chunk) / chunks)
      if (to <= offset) continue
      const isStream = chunks === 1
      const answer = await this.#client.send(isStream ? 'PATCH stream' : 'PATCH chunk', {
        method: 'PATCH',
        path: location,
        body: piecesOf(content, offset, to),
        framing: isStream ? 'chunked' : 'length',
        headers: isStream ? {} : { 'Content-Range': `${offset}-${to - 1}` },
      })
      if (answer?.status === 202) {
        offset = to
        continue
      }
      const kept = chance(0.7) ? await this.#comeBack(location) : undefined
      if (kept === undefined) return this.#giveUp(location)
      if (kept > to) this.#client.world.tally.fault(`an upload of ${to} bytes says that it has ${kept}`)
      offset = kept
      wasCut = true
      break
    }
    // The server may come to a request that was cut only after one that was sent later.
    const late = { 409: 'the cut request still holds the upload', 416: 'the cut request has brought more' }
    const closed = await this.#client.send(
      'PUT upload',
      {
        method: 'PUT',
        path: `${location}?digest=${content.digest}`,
        body: piecesOf(content, offset, content.sizeBytes),
        headers: offset < content.sizeBytes ? { 'Content-Range': `${offset}-${content.sizeBytes - 1}` } : {},
      },
      { explanations: wasCut ? late : {} },
    )
    return closed?.status === 201 || (closed === undefined && this.#giveUp(location))
  }

  /** How far an upload is that was cut, once the server has seen that its client is gone. */
  async #comeBack(location: string): Promise<number | undefined> {
    for (;;) {
      const asked = await this.#client.send(
        'PATCH empty',
        { method: 'PATCH', path: location, body: [] },
        { explanations: { 409: 'the cut request still holds the upload' }, cut: 'never' },
      )
      if (asked?.status === 202) {
        const [, last] = /^0-(\d+)$/.exec(headerOf(asked.headers, 'range') ?? '') ?? []
        // Of no byte and of one it reads the same.
        return last === '0' ? undefined : Number(last) + 1
      }
      if (asked?.status !== 409) return undefined
      await sleep(20)
    }
  }

  /** Leaves it to its expiry, or says that it is over. */
  async #giveUp(location: string): Promise<false> {
    if (chance(0.4)) return false
    await this.#client.send(
      'DELETE upload',
      { method: 'DELETE', path: location },
      { explanations: { 404: 'it was closed all the same', 409: 'the cut request still holds the upload' } },
    )
    return false
  }

  async #mount(): Promise<Content | undefined> {
    const source = this.#client.world.images.any()
    const blob = source?.blobs[0]
    if (!source || !blob) return undefined
    const query = `mount=${blob.digest}&from=${encodeURIComponent(source.repository)}`
    const answer = await this.#client.send('POST mount', { method: 'POST', path: `${this.#uploadsPath()}?${query}` })
    if (answer?.status === 202) {
      if (!source.isGoing) this.#client.world.tally.fault(`${blob.digest} of ${source.repository} could not be mounted`)
      const location = headerOf(answer.headers, 'location')
      if (location !== undefined) await this.#giveUp(location)
    }
    return answer?.status === 201 ? blob : undefined
  }

  async #pushManifest(config: Content, layers: readonly Content[]): Promise<Image | undefined> {
    const tag = `v${this.#number}-${++this.#pushed}`
    const body = manifestOf(config, layers, { tag })
    const digest = digestOf(body)
    // Another pusher of this repository may have deleted a blob that was mounted here.
    const explanations = { 404: 'a blob was deleted by another client' }
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await this.#putManifest(tag, body, explanations)
      if (answer === undefined) continue
      if (answer.status !== 201) return undefined
      return { repository: this.#repository, tag, digest, body, blobs: [config, ...layers], isGoing: false }
    }
    return undefined
  }

  async #pushReferrer(subject: Image): Promise<void> {
    const [config] = subject.blobs
    if (!config) return
    const to = { mediaType: imageType, digest: subject.digest, size: subject.body.byteLength }
    const body = manifestOf(config, [], { subject: to, tag: subject.tag })
    const digest = digestOf(body)
    const answer = await this.#putManifest(digest, body, {})
    if (answer?.status !== 201) return
    const list = await this.#read('GET referrers', `/v2/${this.#repository}/referrers/${subject.digest}`)
    if (list && !list.includes(digest)) this.#client.world.tally.fault(`a referrer of ${subject.digest} is not listed`)
    const path = `/v2/${this.#repository}/manifests/${digest}`
    await this.#client.send('DELETE manifest', { method: 'DELETE', path }, { cut: 'never' })
  }

  async #listTags(image: Image): Promise<void> {
    const last = image.tag.slice(0, -1)
    const list = await this.#read('GET tags', `/v2/${this.#repository}/tags/list?n=1000&last=${last}`)
    if (list && !list.includes(`"${image.tag}"`)) this.#client.world.tally.fault(`tag ${image.tag} is not listed`)
  }

  async #deleteImage(): Promise<void> {
    const image = this.#mine.shift()
    if (!image) return
    image.isGoing = true
    this.#client.world.images.remove(image)
    const gone = (operation: string, path: string, explanations: Record<number, string> = {}) =>
      this.#client.send(operation, { method: 'DELETE', path }, { explanations, cut: 'never' })
    const manifests = `/v2/${image.repository}/manifests`
    if (chance(0.5)) await gone('DELETE tag', `${manifests}/${image.tag}`)
    await gone('DELETE manifest', `${manifests}/${image.digest}`)
    for (const { digest } of image.blobs) {
      await gone('DELETE blob', this.#blobPath(digest), {
        404: 'another client of this repository deleted it',
        405: 'another image has it',
      })
    }
  }

  #putManifest(reference: string, body: Uint8Array, explanations: Record<number, string>) {
    const path = `/v2/${this.#repository}/manifests/${reference}`
    const request = { method: 'PUT', path, body: [body], headers: { 'Content-Type': imageType } }
    return this.#client.send('PUT manifest', request, { explanations })
  }

  async #read(operation: string, path: string): Promise<string | undefined> {
    const parts: string[] = []
    const take = (bytes: Uint8Array) => void parts.push(Buffer.from(bytes).toString())
    const answer = await this.#client.send(operation, { method: 'GET', path }, { take })
    return answer?.status === 200 ? parts.join('') : undefined
  }

  #blobPath(digest: string): string {
    return `/v2/${this.#repository}/blobs/${digest}`
  }

  #uploadsPath(): string {
    return `/v2/${this.#repository}/blobs/uploads/`
  }
}

function manifestOf(config: Content, layers: readonly Content[], more: { tag: string; subject?: object }): Uint8Array {
  const descriptor = (mediaType: string, { digest, sizeBytes }: Content) => ({ mediaType, digest, size: sizeBytes })
  return new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: imageType,
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: layers.map(layer => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
      ...(more.subject && { subject: more.subject }),
      annotations: { tag: more.tag },
    }),
  )
}

function digestOf(body: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher('sha256').update(body).digest('hex')}`
}
