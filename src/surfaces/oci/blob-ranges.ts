import type { RangesFrame } from '../../protocol/oci/byte-ranges.ts'
import type { ByteRange } from '../../protocol/oci/range.ts'

/**
 * Several ranges of a blob as one body. Each is opened when its turn comes, and no more of it is read than the client
 * takes; `first` is the first of them, opened before any header goes out.
 */
export function streamRanges(
  frame: RangesFrame,
  ranges: readonly ByteRange[],
  first: ReadableStream<Uint8Array>,
  open: (range: ByteRange) => Promise<ReadableStream<Uint8Array>>,
): ReadableStream<Uint8Array> {
  let isFirstTaken = false
  async function* chunks() {
    for (const [index, range] of ranges.entries()) {
      const part = index === 0 ? first : await open(range)
      isFirstTaken = true
      yield encoder.encode(frame.heads[index])
      yield* part
    }
    yield encoder.encode(frame.end)
  }
  const body = chunks()
  return new ReadableStream<Uint8Array>({
    pull: async controller => {
      const { value, done } = await body.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => {
      await body.return()
      if (!isFirstTaken) await first.cancel()
    },
  })
}

const encoder = new TextEncoder()
