import type { Digest } from './digest.ts'

/**
 * What If-Match or If-None-Match names (RFC 9110 section 13.1): `any` is `*`, that is whatever there is. The entity tag
 * of content is its digest between quotes.
 */
export type EntityTags = 'any' | readonly EntityTag[]

export type EntityTag = { isWeak: boolean; text: string }

/** Both headers of a request that is to change something; undefined where one did not come. */
export type Preconditions = { ifMatch: EntityTags | undefined; ifNoneMatch: EntityTags | undefined }

export const noPreconditions: Preconditions = { ifMatch: undefined, ifNoneMatch: undefined }

export function readPreconditions(headers: Headers): Preconditions {
  return {
    ifMatch: parseEntityTags(headers.get('if-match')),
    ifNoneMatch: parseEntityTags(headers.get('if-none-match')),
  }
}

/** Total. Clients that leave the quotes out are understood; what is no entity tag at all matches nothing. */
export function parseEntityTags(header: string | null): EntityTags | undefined {
  if (header === null) return undefined
  if (header.trim() === '*') return 'any'
  const tags: EntityTag[] = []
  for (const [, weak, quoted, bare] of header.matchAll(/(W\/)?(?:"([^"]*)"|([^\s",]+))/g)) {
    const text = quoted ?? bare
    if (text !== undefined) tags.push({ isWeak: weak !== undefined, text })
  }
  return tags
}

/** The weak comparison, which is If-None-Match's; nothing matches what is not there. */
export function matchesWeakly(tags: EntityTags, current: Digest | undefined): boolean {
  if (current === undefined) return false
  return tags === 'any' || tags.some(tag => tag.text === current)
}

/** Whether a change of what is `current` may go ahead (section 13.2.2). If-Match compares strongly. */
export function holdPreconditions(
  { ifMatch, ifNoneMatch }: Preconditions,
  current: Digest | undefined,
): 'hold' | 'if-match' | 'if-none-match' {
  if (ifMatch !== undefined) {
    const strong = ifMatch === 'any' ? ifMatch : ifMatch.filter(tag => !tag.isWeak)
    if (!matchesWeakly(strong, current)) return 'if-match'
  }
  return ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, current) ? 'if-none-match' : 'hold'
}
