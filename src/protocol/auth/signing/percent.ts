/**
 * Percent-encoding as signers do it. Both ends of each function are strings of bytes: one character a byte, so that no
 * encoding of characters is in the way. A percent sign without two digits behind it stands for itself.
 */

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export function percentDecode(bytes: string): string {
  return bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** RFC 3986, section 2.3: all but letters, digits and `-._~`. */
export function percentEncode(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9._~-]/g, byte => escapes[byte.charCodeAt(0)] ?? byte)
}

const escapes = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
