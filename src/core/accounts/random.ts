import { randomBytes, randomInt } from 'node:crypto'

/** 32 lower-case hex: the id of an account, a project or a user. */
export function randomId(): string {
  return randomBytes(16).toString('hex')
}

/** 24 URL-safe characters, 144 bits. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url')
}

/** An AK: 20 upper-case letters and digits, a letter first. */
export function randomAccessKeyId(): string {
  return randomText(1, letters) + randomText(19, letters + digits)
}

/** An SK: 40 letters and digits, 238 bits. */
export function randomSecretKey(): string {
  return randomText(40, letters + letters.toLowerCase() + digits)
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const digits = '0123456789'

function randomText(length: number, alphabet: string): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
}
