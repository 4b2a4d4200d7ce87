import { expect, test } from 'bun:test'
import { base32, findTotpStep, totpCode, totpStepAt } from './totp.ts'

const secret = Buffer.from('12345678901234567890')

// RFC 6238, appendix B, SHA-1, the last six of its eight digits.
test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at %i s the code is that of the RFC', (seconds, code) => {
  expect(totpCode(secret, totpStepAt(seconds * 1000))).toBe(code)
})

test('a code counts in its own step and in those beside it', () => {
  const nowMs = 1_111_111_111_000
  const step = totpStepAt(nowMs)
  for (const [shift, found] of [
    [-2, undefined],
    [-1, step - 1],
    [0, step],
    [1, step + 1],
    [2, undefined],
  ] as const) {
    expect([shift, findTotpStep(secret, totpCode(secret, step + shift), nowMs)]).toEqual([shift, found])
  }
})

test.each(['', '12345', '1234567', '１２３４５６', '12345a', '-12345'])('%j is no code', code => {
  expect(findTotpStep(secret, code, 0)).toBeUndefined()
})

// RFC 4648, section 10, without its padding.
test.each([
  ['', ''],
  ['f', 'MY'],
  ['fo', 'MZXQ'],
  ['foo', 'MZXW6'],
  ['foob', 'MZXW6YQ'],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI'],
])('%j in base 32 is %s', (text, encoded) => {
  expect(base32(Buffer.from(text))).toBe(encoded)
})
