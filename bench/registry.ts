import { type Answer, type Body, Connection, headerOf, type Request } from './connection.ts'
import { type Blob, type Image, manifestType } from './content.ts'

/** A registry as a client of one repository sees it. */
export type Registry = {
  /** `127.0.0.1:PORT` */
  host: string
  repository: string
  /** Undefined: it asks for none. */
  authorization: string | undefined
}

/** The repository all cases use; its organization is made beforehand where there are organizations. */
export const repository = 'bench/app'

/** Runs the jobs on so many connections at once; each takes the next job as soon as it is free. */
export async function runParallel(
  registry: Registry,
  connections: number,
  jobs: readonly ((client: Client) => Promise<void>)[],
): Promise<void> {
  let next = 0
  const work = async () => {
    using client = new Client(registry)
    for (let job = jobs[next++]; job; job = jobs[next++]) await job(client)
  }
  await Promise.all(Array.from({ length: connections }, work))
}

/** One connection to a registry. Every method throws for an answer that is not the expected one. */
export class Client implements Disposable {
  readonly #registry: Registry
  readonly #connection: Connection
  readonly #headers: Record<string, string>

  constructor(registry: Registry) {
    this.#registry = registry
    this.#connection = new Connection(registry.host)
    this.#headers = registry.authorization === undefined ? {} : { Authorization: registry.authorization }
  }

  /** POST, PUT. */
  async pushBlob(blob: Blob): Promise<void> {
    await this.#ask({ method: 'PUT', path: withDigest(await this.#startUpload(), blob), body: blob }, 201)
  }

  /** As docker and its like do it: HEAD, POST, PATCH, PUT. */
  async pushBlobLikeClients(blob: Blob): Promise<void> {
    await this.#ask({ method: 'HEAD', path: this.#path(`blobs/${blob.digest}`) }, 404)
    const headers = { 'Content-Type': 'application/octet-stream' }
    const path = await this.#startUpload()
    const answer = await this.#ask({ method: 'PATCH', path, body: blob, headers }, 202)
    await this.#ask({ method: 'PUT', path: withDigest(locationOf(answer), blob) }, 201)
  }

  /** POST, a PATCH for each chunk, PUT. */
  async pushBlobInChunks(blob: Blob, chunkBytes: number): Promise<void> {
    let path = await this.#startUpload()
    for (let start = 0; start < blob.sizeBytes; start += chunkBytes) {
      const chunk = partOf(blob, start, Math.min(blob.sizeBytes, start + chunkBytes))
      const headers = {
        'Content-Type': 'application/octet-stream',
        'Content-Range': `${start}-${start + chunk.sizeBytes - 1}`,
      }
      path = locationOf(await this.#ask({ method: 'PATCH', path, body: chunk, headers }, 202))
    }
    await this.#ask({ method: 'PUT', path: withDigest(path, blob) }, 201)
  }

  /** A blob of this client's repository into another one. */
  async mountBlob({ digest }: Blob, into: string): Promise<void> {
    const query = `mount=${digest}&from=${this.#registry.repository}`
    await this.#ask({ method: 'POST', path: `/v2/${into}/blobs/uploads/?${query}` }, 201)
  }

  async pushImage({ blobs, manifest }: Image, tag: string): Promise<void> {
    for (const blob of blobs) await this.pushBlobLikeClients(blob)
    await this.putManifest(manifest, tag)
  }

  async putManifest(manifest: Body, tag: string, repository = this.#registry.repository): Promise<void> {
    const headers = { 'Content-Type': manifestType }
    await this.#ask({ method: 'PUT', path: `/v2/${repository}/manifests/${tag}`, body: manifest, headers }, 201)
  }

  async headManifest(reference: string): Promise<void> {
    const headers = { Accept: manifestType }
    await this.#ask({ method: 'HEAD', path: this.#path(`manifests/${reference}`), headers }, 200)
  }

  async headBlob(digest: string): Promise<void> {
    await this.#ask({ method: 'HEAD', path: this.#path(`blobs/${digest}`) }, 200)
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }

  async #startUpload(): Promise<string> {
    return locationOf(await this.#ask({ method: 'POST', path: this.#path('blobs/uploads/') }, 202))
  }

  #path(rest: string): string {
    return `/v2/${this.#registry.repository}/${rest}`
  }

  async #ask(request: Request, status: number): Promise<Answer> {
    const answer = await this.#connection.request({ ...request, headers: { ...this.#headers, ...request.headers } })
    if (answer.status !== status) throw new Error(`${request.method} ${request.path} was answered ${answer.headers}`)
    return answer
  }
}

function locationOf(answer: Answer): string {
  const location = headerOf(answer.headers, 'location')
  if (location === undefined) throw new Error(`no Location in ${answer.headers}`)
  const { pathname, search } = new URL(location, 'http://registry')
  return pathname + search
}

function withDigest(path: string, { digest }: Blob): string {
  return `${path}${path.includes('?') ? '&' : '?'}digest=${digest}`
}

/** Bytes `start` to `end` of a body, the last one not included. */
function partOf({ pieces }: Body, start: number, end: number): Body {
  const part: Uint8Array[] = []
  let offset = 0
  for (const piece of pieces) {
    const [from, to] = [Math.max(start - offset, 0), Math.min(end - offset, piece.byteLength)]
    if (from < to) part.push(piece.subarray(from, to))
    offset += piece.byteLength
  }
  return { sizeBytes: end - start, pieces: part }
}
