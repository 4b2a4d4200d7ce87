import type { RangesFrame } from '../../protocol/oci/byte-ranges.ts'
import type { ByteRange } from '../../protocol/oci/range.ts'

/**
 * Answers with several ranges of a blob, one after the other in one body. What one client is slow to take of them waits
 * in memory (some MiB), unlike whole files, which the kernel copies; so only so many are under way at once.
 */
export class RangeAnswers {
  readonly #most: number
  #underWay = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Without room the whole blob is an answer, too (RFC 9110 section 14.2). */
  get hasRoom(): boolean {
    return this.#underWay < this.#most
  }

  /**
   * The body. Each range is opened when its turn comes; `first` is the first of them, opened before any header goes out.
   */
  stream(
    frame: RangesFrame,
    ranges: readonly ByteRange[],
    first: ReadableStream<Uint8Array>,
    open: (range: ByteRange) => Promise<ReadableStream<Uint8Array>>,
  ): ReadableStream<Uint8Array> {
    const body = chunksOf(frame, ranges, first, open)
    let isBegun = false
    this.#underWay++
    let end = () => {
      this.#underWay--
      end = () => {}
    }
    return new ReadableStream<Uint8Array>({
      pull: async controller => {
        isBegun = true
        try {
          const { value, done } = await body.next()
          if (!done) return controller.enqueue(value)
          end()
          controller.close()
        } catch (error) {
          end()
          throw error
        }
      },
      cancel: async () => {
        end()
        await (isBegun ? body.return() : first.cancel())
      },
    })
  }
}

async function* chunksOf(
  frame: RangesFrame,
  ranges: readonly ByteRange[],
  first: ReadableStream<Uint8Array>,
  open: (range: ByteRange) => Promise<ReadableStream<Uint8Array>>,
) {
  for (const [index, range] of ranges.entries()) {
    yield encoder.encode(frame.heads[index])
    yield* index === 0 ? first : await open(range)
  }
  yield encoder.encode(frame.end)
}

const encoder = new TextEncoder()
