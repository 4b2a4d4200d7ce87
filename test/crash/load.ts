import { bytesOf, type Content, digestOf, makeContent } from './content.ts'
import type { Ledger, Push, Upload } from './ledger.ts'
import type { Random } from './random.ts'

export const repositories = ['crash/one', 'crash/two', 'crash/three/deep']
export const manifestType = 'application/vnd.oci.image.manifest.v1+json'

export type LoadOptions = {
  url: string
  authorization: string
  random: Random
  ledger: Ledger
  /** Blobs that repositories hold since an earlier life: to be mounted and named by manifests. */
  held: readonly { repository: string; content: Content }[]
}

/** Pushes from `clients` clients at once until the server is gone. Throws for an answer that no push should get. */
export async function pushUntilGone(options: LoadOptions, clients: number): Promise<void> {
  const shared = { ...options, content: makeContent(options.random) }
  await Promise.all(Array.from({ length: clients }, (_, number) => new Client(shared, number).run()))
}

/** One client: it pushes one thing after another, each in another way. */
class Client {
  readonly #options: LoadOptions & { content: Content }
  readonly #number: number

  constructor(options: LoadOptions & { content: Content }, number: number) {
    this.#options = options
    this.#number = number
  }

  async run(): Promise<void> {
    const { random } = this.#options
    const ways = [
      () => this.#pushMonolithic(),
      () => this.#pushInChunks(),
      () => this.#pushInOneRequest(),
      () => this.#mount(),
      () => this.#pushManifest(),
    ]
    try {
      for (;;) await random.pick(ways)?.()
    } catch (error) {
      if (!(error instanceof Gone)) throw error
    }
  }

  async #pushMonolithic(): Promise<void> {
    const { repository, content } = this.#choose()
    const path = await this.#startUpload(repository)
    await this.#attempt({ kind: 'blob', repository, content, isAnswered: false }, () =>
      this.#send('PUT', `${path}?digest=${content.digest}`, 201, { body: bytesOf(content) }),
    )
  }

  async #pushInOneRequest(): Promise<void> {
    const { repository, content } = this.#choose()
    await this.#attempt({ kind: 'blob', repository, content, isAnswered: false }, () =>
      this.#send('POST', `/v2/${repository}/blobs/uploads/?digest=${content.digest}`, 201, { body: bytesOf(content) }),
    )
  }

  async #pushInChunks(): Promise<void> {
    const { random, ledger } = this.#options
    const { repository, content } = this.#choose()
    const bytes = bytesOf(content)
    // `Range: 0-0` tells nothing and one byte alike, so an upload of a single byte could not be checked.
    if (bytes.byteLength < 2) return
    const path = await this.#startUpload(repository)
    const upload: Upload = { repository, path, content, offsetBytes: 0, isClosing: false }
    ledger.uploads.add(upload)
    // The last bytes come with the request that ends the upload, or before it.
    const patchedBytes = random.chance(0.5) ? bytes.byteLength : random.between(0, bytes.byteLength)
    while (upload.offsetBytes < patchedBytes) {
      const end = Math.min(bytes.byteLength, upload.offsetBytes + random.between(2, 1 + bytes.byteLength))
      const chunk = bytes.slice(upload.offsetBytes, end)
      const body = random.chance(0.5) ? chunk : trickle(chunk)
      const headers: Record<string, string> = random.chance(0.5)
        ? { 'content-range': `${upload.offsetBytes}-${end - 1}` }
        : {}
      await this.#send('PATCH', path, 202, { body, headers })
      upload.offsetBytes = end
    }
    upload.isClosing = true
    await this.#attempt({ kind: 'blob', repository, content, isAnswered: false }, () =>
      this.#send('PUT', `${path}?digest=${content.digest}`, 201, { body: bytes.slice(upload.offsetBytes) }),
    )
    ledger.uploads.delete(upload)
  }

  async #mount(): Promise<void> {
    const { random, held } = this.#options
    const source = random.pick(held)
    if (source === undefined) return this.#pushInOneRequest()
    const { content } = source
    const repository = random.pick(repositories.filter(name => name !== source.repository)) ?? ''
    const query = `mount=${content.digest}&from=${encodeURIComponent(source.repository)}`
    await this.#attempt({ kind: 'blob', repository, content, isAnswered: false }, () =>
      this.#send('POST', `/v2/${repository}/blobs/uploads/?${query}`, 201),
    )
  }

  async #pushManifest(): Promise<void> {
    const { random, ledger } = this.#options
    const repository = random.pick(repositories) ?? ''
    const blobs = this.#heldBy(repository)
    const config = random.pick(blobs)
    if (config === undefined) return this.#pushInOneRequest()
    const layers = Array.from({ length: random.between(0, 3) }, () => random.pick(blobs) ?? config)
    const body = manifestOf(config, layers, random.next())
    const digest = digestOf(body)
    // A tag of its own: no other client moves it, so what it may show is known.
    const tag = `client-${this.#number}`
    const isTagged = random.chance(0.8)
    const key = `${repository}:${tag}`
    const shown = ledger.tags.get(key)
    if (isTagged) ledger.tags.set(key, { repository, tag, digests: [...(shown?.digests ?? []), digest] })
    await this.#attempt(
      { kind: 'manifest', repository, digest, body, blobs: [config, ...layers], isAnswered: false },
      () =>
        this.#send('PUT', `/v2/${repository}/manifests/${isTagged ? tag : digest}`, 201, {
          body,
          headers: { 'content-type': manifestType },
        }),
    )
    if (isTagged) ledger.tags.set(key, { repository, tag, digests: [digest] })
  }

  #choose(): { repository: string; content: Content } {
    const { random, content } = this.#options
    const repository = random.pick(repositories) ?? ''
    // Now and then several clients push the same bytes at once.
    return { repository, content: random.chance(0.15) ? content : makeContent(random) }
  }

  #heldBy(repository: string): Content[] {
    const { held, ledger } = this.#options
    const fresh = ledger.pushes.filter(push => push.isAnswered && push.kind === 'blob')
    return [...held, ...(fresh as { repository: string; content: Content }[])]
      .filter(blob => blob.repository === repository)
      .map(blob => blob.content)
  }

  async #startUpload(repository: string): Promise<string> {
    const answer = await this.#send('POST', `/v2/${repository}/blobs/uploads/`, 202)
    return answer.headers.get('location') ?? ''
  }

  async #attempt(push: Push, send: () => Promise<unknown>): Promise<void> {
    this.#options.ledger.pushes.push(push)
    await send()
    push.isAnswered = true
  }

  async #send(
    method: string,
    path: string,
    expected: number,
    init: { body?: NonNullable<RequestInit['body']>; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const { url, authorization } = this.#options
    let answer: Response
    try {
      answer = await fetch(`${url}${path}`, { method, ...init, headers: { authorization, ...init.headers } })
    } catch (cause) {
      throw new Gone('the server is gone', { cause })
    }
    const text = await answer.text().catch(() => '')
    if (answer.status !== expected) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`)
    return answer
  }
}

/** The connection broke, as it does when the server dies. */
class Gone extends Error {}

export function manifestOf(config: Content, layers: readonly Content[], mark: number): string {
  const descriptorOf = ({ digest, sizeBytes }: Content, mediaType: string) => ({ mediaType, digest, size: sizeBytes })
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptorOf(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map(layer => descriptorOf(layer, 'application/vnd.oci.image.layer.v1.tar')),
    annotations: { mark: String(mark) },
  })
}

/** The same bytes as a stream that takes its time, so that a kill falls into the middle of a request. */
function trickle(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const pieces = 4
  const pieceBytes = Math.ceil(bytes.byteLength / pieces)
  let sent = 0
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(2)
      controller.enqueue(bytes.subarray(sent, sent + pieceBytes))
      sent += pieceBytes
      if (sent >= bytes.byteLength) controller.close()
    },
  })
}
