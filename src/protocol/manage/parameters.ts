/** The parameters of a list request by name; one that is empty or absent is not in the map. */
export type ListParameters =
  | { kind: 'parameters'; plain: ReadonlyMap<string, string>; filtered: ReadonlyMap<string, string> }
  | { kind: 'invalid'; reason: string }

/**
 * Reads `?key=value` and `?filter=key::value|key::value` of a list request. `keys` are the names that both forms may
 * have; where both name one, the filter's value counts and the plain one is dropped. Of repeated parameters the first
 * counts. Plain parameters with other names are passed over, other keys in the filter are invalid.
 */
export function readParameters(searchParams: URLSearchParams, keys: readonly string[]): ListParameters {
  const plain = new Map<string, string>()
  for (const key of keys) {
    const value = searchParams.get(key)
    if (value) plain.set(key, value)
  }
  const filtered = new Map<string, string>()
  for (const part of splitFilter(searchParams.get('filter') ?? '')) {
    const at = part.indexOf('::')
    const key = part.slice(0, Math.max(at, 0))
    if (!keys.includes(key))
      return { kind: 'invalid', reason: `a filter is key::value|key::value with ${keys.join(', ')}` }
    const value = part.slice(at + 2)
    if (value === '' || filtered.has(key)) continue
    filtered.set(key, value)
    plain.delete(key)
  }
  for (const value of [...plain.values(), ...filtered.values()]) {
    // no name holds U+0000, and PostgreSQL refuses it in text
    if (value.includes('\0')) return { kind: 'invalid', reason: 'no value holds the character U+0000' }
  }
  return { kind: 'parameters', plain, filtered }
}

/** The value of a parameter in whichever form it came. */
export function parameterOf(parameters: ListParameters & { kind: 'parameters' }, key: string): string | undefined {
  return parameters.filtered.get(key) ?? parameters.plain.get(key)
}

function splitFilter(filter: string): string[] {
  return filter === '' ? [] : filter.split('|').filter(part => part !== '')
}
