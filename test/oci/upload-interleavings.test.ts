import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import fc from 'fast-check'
import { createOrganization, describeServers, startTestServer, type TestServer } from '../server.ts'
import { dockerToken, type RegistryClient, registryClient, sha256 } from './registry-client.ts'
import { answersTo, answerTo, type Outcome, type UploadRequest, type UploadState } from './upload-model.ts'
import { anySteps, bytesOf, oneOfEach, type Simple, type Step } from './upload-steps.ts'

describeServers('any interleaving of upload requests', engine => {
  let server: TestServer
  let token: string
  beforeAll(async () => {
    // A restart cuts what is under way at once.
    server = await startTestServer(engine, { STOWER_SHUTDOWN_TIMEOUT: '0s' })
    await createOrganization(server, 'group')
    // Unlike a password it costs nothing to check again after a restart.
    token = await dockerToken(server, [`repository:${name}:pull,push`])
  })
  afterAll(() => server.stop())

  test('gives the pushed bytes or an error, and the offset told is where it goes on', async () => {
    // The repository keeps what earlier runs pushed, and some push the same: nothing at all.
    const published = new Set<string>()
    await fc.assert(
      fc.asyncProperty(anySteps, async steps => {
        const run = await UploadRun.start({ server, token, published })
        for (const step of steps) await run.perform(step)
        await run.finish()
      }),
      { numRuns: 100, interruptAfterTimeLimit: 15_000, examples: [[oneOfEach]] },
    )
  })
})

const name = 'group/uploads'
let made = 0

type Subject = { server: TestServer; token: string; published: Set<string> }

/** One upload under test, with what is known of it. */
class UploadRun {
  readonly #server: TestServer
  readonly #client: RegistryClient
  readonly #token: string
  readonly #published: Set<string>
  #location = ''
  #state: UploadState = { kind: 'over' }

  private constructor({ server, token, published }: Subject) {
    this.#published = published
    this.#server = server
    this.#client = registryClient(server, token)
    this.#token = token
  }

  static async start(subject: Subject): Promise<UploadRun> {
    const run = new UploadRun(subject)
    await run.#begin()
    return run
  }

  async perform(step: Step): Promise<void> {
    if (this.#state.kind === 'over') await this.#begin()
    switch (step.kind) {
      case 'restart':
        return this.#server.restart()
      case 'both':
        return this.#performBoth([this.#requestOf(step.requests[0]), this.#requestOf(step.requests[1])], step.requests)
      case 'cut':
        return this.#cut(step)
      case 'mismatch': {
        const first = this.#content().length
        const range = `${first}-${first + step.sentBytes + step.missingBytes - 1}`
        const answer = await this.#client.request('PATCH', this.#location, {
          headers: { 'content-range': range },
          body: step.isChunked ? streamOf(bytesOf(made, step.sentBytes)) : bytesOf(made, step.sentBytes),
        })
        expect([400, 416]).toContain(answer.status)
        return this.perform({ kind: 'status' })
      }
      default: {
        const request = this.#requestOf(step)
        await this.#settle(request, answerTo(this.#state, request), await this.#send(request, step))
      }
    }
  }

  /** Goes on from the offset that is told, and ends the upload: what is published has to be what is known of it. */
  async finish(): Promise<void> {
    if (this.#state.kind === 'over') await this.#begin()
    await this.perform({ kind: 'status' })
    await this.perform({ kind: 'patch', from: 'here', sentBytes: 20, isChunked: false })
    await this.perform({ kind: 'put', from: 'here', sentBytes: 20, isRight: true })
    expect(this.#state.kind).toBe('over')
  }

  async #begin(): Promise<void> {
    const answer = await this.#client.request('POST', `/v2/${name}/blobs/uploads/`)
    expect(answer.status).toBe(202)
    this.#location = answer.headers.get('location') ?? ''
    this.#state = { kind: 'open', content: Buffer.alloc(0) }
  }

  #content(): Buffer {
    return this.#state.kind === 'open' ? this.#state.content : Buffer.alloc(0)
  }

  #requestOf(step: Simple): UploadRequest {
    if (step.kind === 'status' || step.kind === 'cancel') return step
    made += 1
    const offset = this.#content().length
    const bytes = bytesOf(made, step.sentBytes)
    const places = { here: offset, before: Math.max(0, offset - 1), behind: offset + 1, stream: undefined }
    const first = step.sentBytes === 0 ? undefined : places[step.from]
    const part = { bytes, ...(first !== undefined && { first }) }
    if (step.kind === 'patch') return { kind: 'patch', ...part }
    const whole = Buffer.concat([this.#content(), bytes])
    return { kind: 'put', ...part, claimed: step.isRight ? whole : Buffer.concat([whole, Buffer.from('!')]) }
  }

  async #send(request: UploadRequest, step: Simple): Promise<Response> {
    if (request.kind === 'status') return this.#client.request('GET', this.#location)
    if (request.kind === 'cancel') return this.#client.request('DELETE', this.#location)
    const { bytes, first } = request
    const headers: Record<string, string> =
      first === undefined ? {} : { 'content-range': `${first}-${first + bytes.length - 1}` }
    const path = request.kind === 'put' ? `${this.#location}?digest=${sha256(request.claimed)}` : this.#location
    const body = new Uint8Array(bytes)
    const method = request.kind === 'put' ? 'PUT' : 'PATCH'
    if (step.kind !== 'patch' || !step.isChunked) {
      return this.#client.request(method, path, { headers, ...(body.length > 0 && { body }) })
    }
    return this.#client.request(method, path, { headers, body: streamOf(body) })
  }

  async #performBoth(requests: [UploadRequest, UploadRequest], steps: readonly [Simple, Simple]): Promise<void> {
    const answers = await Promise.all([this.#send(requests[0], steps[0]), this.#send(requests[1], steps[1])])
    const told = answers.map(answer => shown(answer))
    const possible = answersTo(this.#state, requests)
    const found = possible.find(({ outcomes }) => outcomes.every((outcome, index) => fits(outcome, told[index])))
    expect([told, possible.map(({ outcomes }) => outcomes.map(expected)), found !== undefined]).toEqual([
      told,
      expect.anything(),
      true,
    ])
    if (!found) return
    for (const [index, outcome] of found.outcomes.entries()) await this.#check(requests[index], outcome)
    this.#state = found.state
  }

  async #settle(request: UploadRequest, outcome: Outcome, answer: Response): Promise<void> {
    expect([request.kind, shown(answer)]).toEqual([request.kind, expected(outcome)])
    await this.#check(request, outcome)
    this.#state = outcome.state
  }

  /** What was published is readable, what was refused is not. */
  async #check(request: UploadRequest | undefined, outcome: Outcome): Promise<void> {
    if (outcome.published) {
      const digest = sha256(outcome.published)
      this.#published.add(digest)
      const blob = await this.#client.request('GET', `/v2/${name}/blobs/${digest}`)
      expect(blob.status).toBe(200)
      expect(Buffer.from(await blob.arrayBuffer()).equals(outcome.published)).toBe(true)
    } else if (request?.kind === 'put') {
      const digest = sha256(request.claimed)
      const blob = await this.#client.request('HEAD', `/v2/${name}/blobs/${digest}`)
      expect(blob.status).toBe(this.#published.has(digest) ? 200 : 404)
    }
  }

  /** Sends a part of a PATCH over a socket of its own, and breaks it once the server has taken the upload for it. */
  async #cut({ by, sentBytes, lackingBytes, isChunked }: Extract<Step, { kind: 'cut' }>): Promise<void> {
    made += 1
    const before = this.#content()
    const bytes = bytesOf(made, sentBytes)
    const { hostname, port } = new URL(this.#server.url)
    const socket = connect(Number(port), hostname)
    let answered = ''
    socket.on('error', () => {})
    socket.on('data', data => {
      answered += data
    })
    const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${sentBytes + lackingBytes}`
    socket.write(
      `PATCH ${this.#location} HTTP/1.1\r\nHost: ${this.#server.host}\r\nAuthorization: ${this.#token}\r\n${length}\r\n\r\n`,
    )
    if (isChunked) socket.write(`${(sentBytes + lackingBytes).toString(16)}\r\n`)
    socket.write(bytes)
    await until(async () => answered !== '' || (await this.#touch()).status === 409)
    // The look whether it is taken may have been what it met: then it was refused, and nothing came of it.
    if (answered !== '') expect(answered).toStartWith('HTTP/1.1 409')
    if (by === 'restart') await this.#server.restart()
    if (by === 'reset') socket.resetAndDestroy()
    else socket.destroy()
    const settled = await until(async () => {
      const answer = await this.#touch()
      return answer.status === 409 ? undefined : answer
    })
    expect(settled.status).toBe(202)
    const offset = offsetOf(settled)
    const kept = offset - before.length
    expect(kept).toBeGreaterThanOrEqual(0)
    expect(kept).toBeLessThanOrEqual(answered === '' ? sentBytes : 0)
    this.#state = { kind: 'open', content: Buffer.concat([before, bytes.subarray(0, kept)]) }
    await this.perform({ kind: 'status' })
  }

  /** A PATCH of nothing: 409 while another request has the upload, else the offset. */
  #touch(): Promise<Response> {
    return this.#client.request('PATCH', this.#location)
  }
}

/** In two chunks, and without a length. */
function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  const middle = bytes.length >> 1
  return new ReadableStream({
    start(controller) {
      for (const half of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
        if (half.length > 0) controller.enqueue(half)
      }
      controller.close()
    },
  })
}

type Told = { status: number; range: string | null }

function shown(answer: Response): Told {
  const tellsOffset = [202, 204, 416].includes(answer.status)
  return { status: answer.status, range: tellsOffset ? answer.headers.get('range') : null }
}

function expected({ status, offset }: Outcome): Told {
  return { status, range: offset === undefined ? null : `0-${Math.max(0, offset - 1)}` }
}

function fits(outcome: Outcome, told: Told | undefined): boolean {
  const { status, range } = expected(outcome)
  return told?.status === status && told.range === range
}

/** Of an upload of more than one byte: nothing and one byte both read `0-0`, and then the content tells which. */
function offsetOf(answer: Response): number {
  const last = Number(/^0-([0-9]+)$/.exec(answer.headers.get('range') ?? '')?.[1])
  expect(Number.isSafeInteger(last)).toBe(true)
  return last === 0 ? 0 : last + 1
}

/** Asks again until there is an answer, for at most ten seconds. */
async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  const giveUpAt = performance.now() + 10_000
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (performance.now() > giveUpAt) throw new Error('no answer in time')
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
