const dayMs = 86_400_000

/** Days since 1970, UTC: how figures of a day are kept. */
export function dayOf(nowMs: number): number {
  return Math.floor(nowMs / dayMs)
}

/** As `2024-09-01`. */
export function formatDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}
