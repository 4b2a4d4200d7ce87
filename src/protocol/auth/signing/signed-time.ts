/** SWR API, "AK/SK signing": a request may be signed so long before or after it comes. */
export const mostSkewMs = 15 * 60_000

/** The time of an `X-Sdk-Date`, `20261123T072041Z`; undefined for another spelling or a day that is none. */
export function parseSignedTime(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}
