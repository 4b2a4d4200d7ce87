import { randomBytes } from 'node:crypto'

/** Ids of this process begin alike and count up, which is cheap to make and easy to search for. */
const prefix = randomBytes(6).toString('hex')
let made = 0

export function nextRequestId(): string {
  made++
  return `${prefix}${made.toString(16).padStart(8, '0')}`
}
