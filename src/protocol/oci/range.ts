/** First and last byte, both inclusive. */
export type ByteRange = { firstByte: number; lastByte: number }

/** What a Range header asks of content: all of it, parts of it (in the order asked), or nothing that it has. */
export type RequestedRange = { kind: 'whole' } | { kind: 'unsatisfiable' } | { kind: 'ranges'; ranges: ByteRange[] }

/** RFC 9110 section 14.2 lets a server ignore ranges that cost more than the whole; no known client asks for more. */
export const maxRanges = 16

/**
 * Reads a Range header against content of `sizeBytes` (RFC 9110 section 14.1.2). Every range lies inside the content.
 * What is malformed, in another unit, overlapping or too much is ignored, as the RFC allows: `whole`. A range that ends
 * before it begins is refused as one that nothing satisfies, which section 14.2 allows too: whoever asks for it has
 * miscounted, and the whole content is not what they are ready for. Content without bytes satisfies no range.
 */
export function parseRange(header: string | null | undefined, sizeBytes: number): RequestedRange {
  if (!header || header.length > maxHeaderLength) return whole
  const equals = header.indexOf('=')
  if (equals < 0 || header.slice(0, equals).trim().toLowerCase() !== 'bytes') return whole
  const specs = header
    .slice(equals + 1)
    .split(',')
    .map(spec => spec.trim())
    .filter(spec => spec !== '')
  if (specs.length === 0 || specs.length > maxRanges) return whole
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = resolveRangeSpec(spec, sizeBytes)
    if (range === 'malformed') return whole
    if (range === 'reversed') return unsatisfiable
    if (range !== 'unsatisfiable') ranges.push(range)
  }
  if (ranges.length === 0) return unsatisfiable
  return hasOverlap(ranges) ? whole : { kind: 'ranges', ranges }
}

/**
 * The Content-Range of an upload chunk: `<first>-<last>`, inclusive, without a unit (distribution-spec, "Pushing a blob
 * in chunks"). Undefined for everything else, also for the `bytes a-b/n` of RFC 9110.
 */
export function parseContentRange(header: string): ByteRange | undefined {
  if (header.length > maxContentRangeLength) return undefined
  const match = /^([0-9]+)-([0-9]+)$/.exec(header)
  if (match === null) return undefined
  const firstByte = Number(match[1])
  const lastByte = Number(match[2])
  if (!Number.isSafeInteger(lastByte) || firstByte > lastByte) return undefined
  return { firstByte, lastByte }
}

/**
 * The Range header that tells how far an upload is. An upload of nothing and one of a single byte both read `0-0`:
 * Docker's registry began that way, and clients expect it.
 */
export function formatUploadRange(offsetBytes: number): string {
  return `0-${Math.max(offsetBytes - 1, 0)}`
}

/** Content-Range of a 206 answer, or of one part of it. */
export function formatContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.firstByte}-${range.lastByte}/${sizeBytes}`
}

/** Content-Range of a 416 answer. */
export function formatUnsatisfiedRange(sizeBytes: number): string {
  return `bytes */${sizeBytes}`
}

const whole = { kind: 'whole' } as const
const unsatisfiable = { kind: 'unsatisfiable' } as const
const maxHeaderLength = 1024
const maxContentRangeLength = 64

function resolveRangeSpec(spec: string, sizeBytes: number): ByteRange | 'malformed' | 'reversed' | 'unsatisfiable' {
  const match = /^([0-9]*)-([0-9]*)$/.exec(spec)
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? '']
  if (first === '' && last === '') return 'malformed'
  // digits beyond 2^53 lose precision here, far past the end of any content, where they mean the same
  if (first === '') {
    const suffixBytes = Math.min(Number(last), sizeBytes)
    return suffixBytes === 0 ? 'unsatisfiable' : { firstByte: sizeBytes - suffixBytes, lastByte: sizeBytes - 1 }
  }
  const firstByte = Number(first)
  const lastByte = last === '' ? sizeBytes - 1 : Number(last)
  if (last !== '' && lastByte < firstByte) return 'reversed'
  if (firstByte >= sizeBytes) return 'unsatisfiable'
  return { firstByte, lastByte: Math.min(lastByte, sizeBytes - 1) }
}

function hasOverlap(ranges: readonly ByteRange[]): boolean {
  const sorted = ranges.toSorted((a, b) => a.firstByte - b.firstByte)
  return sorted.some((range, index) => {
    const previous = sorted[index - 1]
    return previous !== undefined && range.firstByte <= previous.lastByte
  })
}
