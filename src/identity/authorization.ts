/** What an Authorization header of the docker side says (RFC 7617, RFC 6750). */
export type Authorization =
  | { kind: 'bearer'; token: string }
  | { kind: 'basic'; name: string; password: string }
  | { kind: 'unreadable' }

/** Schemes are read without regard to case; a password may hold colons, a name may not. Text is UTF-8. */
export function parseAuthorization(header: string): Authorization {
  const space = header.indexOf(' ')
  const scheme = header.slice(0, Math.max(space, 0)).toLowerCase()
  const value = header.slice(space + 1).trim()
  if (value === '') return { kind: 'unreadable' }
  if (scheme === 'bearer') return { kind: 'bearer', token: value }
  if (scheme === 'basic') return parseBasic(value)
  return { kind: 'unreadable' }
}

function parseBasic(value: string): Authorization {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return { kind: 'unreadable' }
  const text = decodeUtf8(Buffer.from(value, 'base64'))
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 0) return { kind: 'unreadable' }
  return { kind: 'basic', name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Undefined for bytes that are no UTF-8, and for NUL, which PostgreSQL takes in no text. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
