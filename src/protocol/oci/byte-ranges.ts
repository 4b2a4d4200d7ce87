import type { ByteRange } from './range.ts'
import { formatContentRange } from './range.ts'

/** What stands around the parts of a `multipart/byteranges` body (RFC 9110 section 14.6). */
export type RangesFrame = {
  contentType: string
  /** What goes before the bytes of each range, in their order. */
  heads: readonly string[]
  /** What goes behind the last. */
  end: string
  /** Of the whole body, frame and content. */
  sizeBytes: number
}

/** `boundary` must not occur in the content: 128 random bits don't. All texts are ASCII. */
export function frameRanges(
  ranges: readonly ByteRange[],
  content: { sizeBytes: number; mediaType: string },
  boundary: string,
): RangesFrame {
  const heads = ranges.map((range, index) =>
    [
      `${index === 0 ? '' : '\r\n'}--${boundary}`,
      `Content-Type: ${content.mediaType}`,
      `Content-Range: ${formatContentRange(range, content.sizeBytes)}`,
      '',
      '',
    ].join('\r\n'),
  )
  const end = `\r\n--${boundary}--\r\n`
  const frameBytes = heads.reduce((sum, head) => sum + head.length, end.length)
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    heads,
    end,
    sizeBytes: ranges.reduce((sum, { firstByte, lastByte }) => sum + lastByte - firstByte + 1, frameBytes),
  }
}
