import { expect, test } from 'bun:test'
import { warningHeaders } from './warnings.ts'

test.each<[readonly string[], Record<string, string>]>([
  [[], {}],
  [['Plain.'], { warning: '299 - "Plain."' }],
  [['One.', 'Two.'], { warning: '299 - "One. Two."' }],
  [['a "quoted" \\ word'], { warning: '299 - "a \\"quoted\\" \\\\ word"' }],
  [['line\r\nbreak, ünïcode'], { warning: '299 - "line??break, ?n?code"' }],
])('%j gives %j', (texts, headers) => {
  expect(warningHeaders(texts)).toEqual(headers)
})

test('is cut to 4096 bytes, name and quotes included, and never in the middle of an escape', () => {
  for (const piece of ['x', '"', '\\', 'xxx"', 'x\\']) {
    for (let shift = 0; shift < 4; shift++) {
      const { warning = '' } = warningHeaders([`${'y'.repeat(shift)}${piece.repeat(5000)}`])
      expect(`Warning: ${warning}`.length).toBeLessThanOrEqual(4096)
      expect(`Warning: ${warning}`.length).toBeGreaterThan(4093)
      expect(warning).toMatch(/^299 - "(?:[^"\\]|\\["\\])*"$/)
    }
  }
})
