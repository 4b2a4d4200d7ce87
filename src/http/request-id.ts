import { randomBytes } from 'node:crypto'

/** Ids of this process begin alike and count up, which is cheap to make and easy to search for. */
const prefix = randomBytes(6).toString('hex')
/** From here on eight digits, for four thousand million requests. */
let made = 0x1000_0000

export function nextRequestId(): string {
  made++
  return `${prefix}${made.toString(16)}`
}
