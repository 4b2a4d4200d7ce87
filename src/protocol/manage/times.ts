/** RFC 3339 in UTC with `Z`, as every time of the management API is written. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
