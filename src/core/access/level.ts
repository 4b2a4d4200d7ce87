/** A grant as the wire writes it: a bit mask of read 1, write +2, manage +4. */
export type Level = 1 | 3 | 7

export const readLevel: Level = 1
export const writeLevel: Level = 3
export const manageLevel: Level = 7

/** The level that a number names, if it is one of the three. */
export function parseLevel(value: unknown): Level | undefined {
  return value === 1 || value === 3 || value === 7 ? value : undefined
}
