/** With six digits behind the point, as logins tell their end. */
export function formatMicroseconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z')
}

/** RFC 3339 in UTC with `Z`, as every time of the management API is written. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
