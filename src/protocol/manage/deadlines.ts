/**
 * Until when a share counts: `text` as it was sent, and the first moment at which it no longer does, in milliseconds;
 * undefined for one that always does.
 */
export type Deadline = { text: string; endsMs: number | undefined }

export const deadlineRule = 'deadline is "forever" or a time such as 2030-12-31T00:00:00Z'

/**
 * A share counts through the day of its deadline, and ends at 00:00 UTC of the following one (SWR user manual, "Sharing
 * Private Images"). Undefined for a text that is neither `forever` nor a time of RFC 3339.
 */
export function parseDeadline(text: string): Deadline | undefined {
  if (text === 'forever') return { text, endsMs: undefined }
  const atMs = timeGrammar.test(text) ? Date.parse(text) : Number.NaN
  // Some dates that no calendar has are taken for those of the next month.
  if (Number.isNaN(atMs) || !isOfCalendar(text.slice(0, 10))) return undefined
  return { text, endsMs: (Math.floor(atMs / dayMs) + 1) * dayMs }
}

const dayMs = 86_400_000
const timeGrammar = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

function isOfCalendar(date: string): boolean {
  const atMs = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(date)
}
