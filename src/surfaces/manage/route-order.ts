/**
 * Paths in the order in which they are looked through: where two fit a request, the one that has a word where the other has
 * a parameter comes first, whatever their order in the list.
 */
export function literalsFirst<Route extends { path: string }>(routes: readonly Route[]): readonly Route[] {
  return routes.toSorted((one, other) => compare(shapeOf(one.path), shapeOf(other.path)))
}

/** A character for each part, of which that of a parameter is the greater one. */
function shapeOf(path: string): string {
  return path
    .split('/')
    .map(part => (part.startsWith(':') ? '1' : '0'))
    .join('')
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
