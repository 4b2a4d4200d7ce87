/** `size` may be 0: the answer then is an empty page. `last` is exclusive and need not exist. */
export type PageRequest = { kind: 'page'; size: number; last: string | undefined } | { kind: 'invalid'; reason: string }

/**
 * Reads `n` and `last` of a list request (distribution-spec, "Listing Tags"). Without `n` the page has `defaultSize`
 * entries; more than `maxSize` is capped, however long the number. Of repeated parameters the first counts, an empty
 * one is absent.
 */
export function parsePage(
  searchParams: URLSearchParams,
  { defaultSize, maxSize }: { defaultSize: number; maxSize: number },
): PageRequest {
  const n = searchParams.get('n') ?? ''
  const last = searchParams.get('last') ?? ''
  if (!/^[0-9]*$/.test(n)) return { kind: 'invalid', reason: 'n must be a whole number, 0 or more.' }
  // no name holds U+0000, and PostgreSQL refuses it in text
  if (last.includes('\0')) return { kind: 'invalid', reason: 'last must not hold the character U+0000.' }
  const size = n === '' ? defaultSize : Math.min(Number(n), maxSize)
  return { kind: 'page', size, last: last === '' ? undefined : last }
}

/**
 * The Link header of a page that is not the last one (RFC 8288): a reference relative to this server, so that no client
 * sends credentials to another host. `pathname` is the raw one of the request. `extra` parameters, such as a filter,
 * stay in the link.
 */
export function nextLink(
  pathname: string,
  next: { n?: number | undefined; last: string; extra?: Readonly<Record<string, string>> },
): string {
  const parameters = [
    ...(next.n === undefined ? [] : [['n', String(next.n)] as const]),
    ['last', next.last] as const,
    ...Object.entries(next.extra ?? {}),
  ]
  const query = parameters.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&')
  return `<${pathname.replaceAll(/[^!$-;=@-~]/gu, encode)}?${query}>; rel="next"`
}

function encode(text: string): string {
  // encodeURIComponent throws on lone surrogates
  return encodeURIComponent(text.toWellFormed())
}
