import { expect, test } from 'bun:test'
import { deriveLoginKey, isLoginKey } from './login-key.ts'

// printf AKIAIOSFODNN7EXAMPLE | openssl dgst -sha256 -hmac wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
const known = 'c141c46da3d86ccfa15edf4aaeb7f1d46735ee908434bbc66b0b00f975df1c1b'

test('the login key is what the command of the SWR manual prints', () => {
  expect(deriveLoginKey('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')).toBe(known)
})

test.each([
  ['the key itself', known, true],
  ['upper case', known.toUpperCase(), false],
  ['one digit less', known.slice(1), false],
  ['the last digit changed', `${known.slice(0, -1)}x`, false],
  ['nothing', '', false],
  ['characters of several bytes', 'é'.repeat(32), false],
])('%s: %s is accepted: %p', (_what, given, isRight) => {
  expect(isLoginKey(given, 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')).toBe(isRight)
})
