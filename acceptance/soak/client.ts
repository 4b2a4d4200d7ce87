import { type Answer, Connection, type Cut, CutByClient, type Request } from './connection.ts'
import type { Content } from './content.ts'
import type { Tally } from './tally.ts'

/** What all clients of one soak share. */
export type World = {
  host: string
  authorization: string
  tally: Tally
  /** Chance that an exchange is left somewhere in its middle. */
  cutShare: number
  shouldStop: () => boolean
  images: Images
}

export type Image = {
  repository: string
  tag: string
  digest: string
  body: Uint8Array
  blobs: readonly Content[]
  /** Set before anything of it is deleted: from then on its parts may be missing. */
  isGoing: boolean
}

/** The images that can be pulled now. */
export class Images {
  readonly #images: Image[] = []

  add(image: Image): void {
    this.#images.push(image)
  }

  remove(image: Image): void {
    this.#images.splice(this.#images.indexOf(image), 1)
  }

  any(): Image | undefined {
    return this.#images[Math.floor(Math.random() * this.#images.length)]
  }
}

export const chance = (share: number) => Math.random() < share
export const between = (from: number, to: number) => from + Math.floor(Math.random() * (to - from + 1))

/** One client with one connection. */
export class Client implements Disposable {
  readonly world: World
  readonly #connection: Connection

  constructor(world: World) {
    this.world = world
    this.#connection = new Connection(world.host)
  }

  /**
   * Sends a request, as `operation` of the tally. Undefined when it was left in the middle on purpose; what the server
   * made of it is then open.
   */
  async send(
    operation: string,
    request: Request,
    options: {
      explanations?: Readonly<Record<number, string>>
      take?: (bytes: Uint8Array) => void
      /** Where it is left if it is left; anywhere, unless it is given. `never` for what has to come to its end. */
      cut?: 'never' | Cut
    } = {},
  ): Promise<Answer | undefined> {
    const { tally, authorization, cutShare } = this.world
    const cut =
      options.cut === 'never' ? undefined : (options.cut ?? (chance(cutShare) ? anywhere(request) : undefined))
    try {
      const answer = await this.#connection.exchange(
        { ...request, headers: { Authorization: authorization, ...request.headers } },
        { ...(options.take && { take: options.take }), ...(cut && { cut }) },
      )
      tally.answered(operation, answer.status, options.explanations)
      return answer
    } catch (error) {
      if (cut && error instanceof CutByClient) tally.cut(operation, cut.in)
      else tally.fault(`${operation}: ${String(error)}`)
      return undefined
    }
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }
}

function anywhere({ body }: Request): Cut {
  const bodyBytes = (body ?? []).reduce((sum, piece) => sum + piece.byteLength, 0)
  const places = bodyBytes > 0 ? (['head', 'body', 'body', 'answer'] as const) : (['head', 'answer'] as const)
  const place = places[between(0, places.length - 1)] ?? 'head'
  // Most answers are little more than a head.
  const most = { head: 200, body: bodyBytes, answer: chance(0.5) ? 300 : 100_000 }[place]
  return { in: place, afterBytes: between(0, most) }
}
