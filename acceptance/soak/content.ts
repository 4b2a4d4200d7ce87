import { randomFillSync } from 'node:crypto'

/** Bytes of which every content is a part, so that hundreds of clients hold one copy and compare with `memcmp`. */
const pool = randomFillSync(Buffer.alloc(4 * 1024 * 1024))
const pieceBytes = 64 * 1024

/** Content that nobody else pushes: eight bytes of its number, then the pool from some place on, round and round. */
export type Content = { number: number; sizeBytes: number; digest: string }

let made = 0

export function makeContent(sizeBytes: number): Content {
  const content = { number: ++made, sizeBytes: Math.max(8, sizeBytes), digest: '' }
  const hash = new Bun.CryptoHasher('sha256')
  for (const piece of piecesOf(content, 0, content.sizeBytes)) hash.update(piece)
  return { ...content, digest: `sha256:${hash.digest('hex')}` }
}

/** Bytes `from` up to `to`, without a copy of them. */
export function piecesOf(content: Pick<Content, 'number'>, from: number, to: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = from; at < to; ) {
    const piece = pieceAt(content, at, to)
    pieces.push(piece)
    at += piece.byteLength
  }
  return pieces
}

/** Takes an answer's bytes one after another and holds each against the content's. */
export class Comparison {
  readonly #content: Content
  readonly #to: number
  #at: number
  #isEqual = true

  constructor(content: Content, range: { from: number; to: number } = { from: 0, to: content.sizeBytes }) {
    this.#content = content
    this.#at = range.from
    this.#to = range.to
  }

  take(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.byteLength; ) {
      if (this.#at >= this.#to) {
        this.#isEqual = false
        return
      }
      const piece = pieceAt(this.#content, this.#at, Math.min(this.#to, this.#at + bytes.byteLength - taken))
      const part = bytes.subarray(taken, taken + piece.byteLength)
      if (Buffer.compare(piece, part) !== 0) this.#isEqual = false
      taken += piece.byteLength
      this.#at += piece.byteLength
    }
  }

  /** True when exactly the bytes that were expected have come. */
  get isWhole(): boolean {
    return this.#isEqual && this.#at === this.#to
  }
}

const numberBytes = 8

function pieceAt({ number }: Pick<Content, 'number'>, at: number, to: number): Uint8Array {
  if (at < numberBytes) {
    const start = Buffer.alloc(numberBytes)
    start.writeBigUInt64BE(BigInt(number))
    return start.subarray(at, Math.min(numberBytes, to))
  }
  const from = (at - numberBytes + number * 4099) % pool.byteLength
  return pool.subarray(from, Math.min(pool.byteLength, from + pieceBytes, from + to - at))
}
