import { essence } from './media-types.ts'

/**
 * Whether an Accept header takes a media type (RFC 9110 section 12.5.1). Several headers arrive joined by commas. The
 * most specific range that matches decides, and of equals the most willing; `q=0` refuses. A header that is absent,
 * empty, or names no media range at all takes everything.
 */
export function acceptsMediaType(acceptHeader: string | null, mediaType: string): boolean {
  const wanted = essence(mediaType)
  const wantedType = `${wanted.slice(0, wanted.indexOf('/'))}/*`
  let bestSpecificity = 0
  let isAccepted = false
  let hasRange = false
  for (const element of (acceptHeader ?? '').split(',')) {
    const range = essence(element)
    if (!range.includes('/')) continue
    hasRange = true
    const specificity = range === wanted ? 3 : range === wantedType ? 2 : range === '*/*' ? 1 : 0
    if (specificity === 0 || specificity < bestSpecificity) continue
    const isWilling = weight(element) > 0
    isAccepted = specificity > bestSpecificity ? isWilling : isAccepted || isWilling
    bestSpecificity = specificity
  }
  return isAccepted || !hasRange
}

/** The q parameter; 1 when there is none or it is malformed. */
function weight(element: string): number {
  for (const parameter of element.split(';').slice(1)) {
    const [key, value] = parameter.split('=', 2)
    if (key?.trim().toLowerCase() !== 'q') continue
    const text = value?.trim() ?? ''
    return /^(?:0(?:\.[0-9]*)?|1(?:\.0*)?)$/.test(text) ? Number(text) : 1
  }
  return 1
}
