import { createHmac, timingSafeEqual } from 'node:crypto'

/** RFC 6238 as every authenticator app has it: SHA-1, six digits, steps of 30 seconds. */
const stepMs = 30_000
const digits = 6

/** Clocks differ, and people are slow: one step to either side counts (RFC 6238, section 5.2). */
const tolerated = [0, -1, 1]

/** The code of a step (RFC 4226, section 5.3). */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', secret).update(counter).digest()
  const offset = (hash.at(-1) ?? 0) & 0xf
  const number = hash.readUInt32BE(offset) & 0x7fff_ffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

export function totpStepAt(nowMs: number): number {
  return Math.floor(nowMs / stepMs)
}

/** The step that a code is of, among those that count now; undefined for a wrong code. Compared in constant time. */
export function findTotpStep(secret: Uint8Array, code: string, nowMs: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined
  const steps = tolerated.map(shift => totpStepAt(nowMs) + shift)
  return steps.filter(step => timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)))[0]
}

/** As apps take a secret (RFC 4648, section 6), without padding. */
export function base32(bytes: Uint8Array): string {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  const groups = bits.match(/.{1,5}/g) ?? []
  return groups.map(group => alphabet.charAt(Number.parseInt(group.padEnd(5, '0'), 2))).join('')
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
