import { z } from 'zod'

/** SWR API, "Querying the Image Repository List": 100 entries to a page, at most 1000. */
export const defaultPageLimit = 100
export const maxPageLimit = 1000

/** The two parameters of every list with pages, as the API reference has them; `parsePage` reads them. */
export const pageQuery = {
  limit: z
    .int()
    .min(1)
    .max(maxPageLimit)
    .optional()
    .describe(`How many entries a page has at most; ${defaultPageLimit} unless it is given.`),
  offset: z.int().min(0).optional().describe('How many entries to pass over; none unless it is given.'),
}

/** Those of lists that go on after an id; `parseMarkerPage` reads them. */
export const markerPageQuery = {
  limit: pageQuery.limit,
  marker: z.int().min(0).optional().describe('`nextMarker` of the page before; the list begins unless it is given.'),
}

/** Headers of every list with pages. */
export const pageHeaders = {
  'content-range': 'Offset of the first entry, number of entries on this page, number of all: `0-10/35`.',
}

export type PageBounds = { defaultLimit: number; maxLimit: number }

export type PageRequest = { kind: 'page'; limit: number; offset: number } | { kind: 'invalid'; reason: string }

export type MarkerRequest =
  | { kind: 'page'; limit: number; after: number | undefined }
  | { kind: 'invalid'; reason: string }

/** Reads `limit` and `marker` of lists that go on after an id; 0, which no id is, and no marker begin them. */
export function parseMarkerPage(limitText: string | undefined, markerText: string | undefined): MarkerRequest {
  const page = parsePage(limitText, undefined)
  if (page.kind === 'invalid') return page
  const after = markerText === undefined ? 0 : readNumber(markerText)
  if (after === undefined) return { kind: 'invalid', reason: 'marker is the nextMarker of the page before' }
  return { kind: 'page', limit: page.limit, after: after === 0 ? undefined : after }
}

/** Reads `limit` and `offset`, either of which may be absent. */
export function parsePage(
  limitText: string | undefined,
  offsetText: string | undefined,
  { defaultLimit, maxLimit }: PageBounds = { defaultLimit: defaultPageLimit, maxLimit: maxPageLimit },
): PageRequest {
  const limit = limitText === undefined ? defaultLimit : readNumber(limitText)
  const offset = offsetText === undefined ? 0 : readNumber(offsetText)
  if (limit === undefined || limit < 1 || limit > maxLimit) {
    return { kind: 'invalid', reason: `limit is a whole number from 1 to ${maxLimit}` }
  }
  if (offset === undefined) return { kind: 'invalid', reason: 'offset is a whole number, 0 or more' }
  return { kind: 'page', limit, offset }
}

/** SWR's Content-Range: offset of the first record, number of records on this page, number of all (not first-last). */
export function contentRange(page: { offset: number; count: number; total: number }): string {
  return `${page.offset}-${page.count}/${page.total}`
}

/** 15 digits at most, so that every number is exact. */
function readNumber(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
