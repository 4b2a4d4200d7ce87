import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseDeadline } from './deadlines.ts'

describe('the deadline of a share', () => {
  test.each([
    ['2030-12-31T00:00:00Z', '2031-01-01T00:00:00.000Z'],
    ['2021-10-01T16:00:00Z', '2021-10-02T00:00:00.000Z'],
    ['2018-10-01T16:00:00.000Z', '2018-10-02T00:00:00.000Z'],
    ['2024-02-28T23:59:59.999999999Z', '2024-02-29T00:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-03-01T00:00:00.000Z'],
    // The day is that of UTC.
    ['2024-01-01T23:30:00-01:00', '2024-01-03T00:00:00.000Z'],
    ['2024-01-02T00:30:00+01:00', '2024-01-02T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-02T00:00:00.000Z'],
    ['9999-12-31T00:00:00Z', '+010000-01-01T00:00:00.000Z'],
  ])('%s lasts until %s', (text, end) => {
    const deadline = parseDeadline(text)
    expect(deadline?.text).toBe(text)
    expect(new Date(deadline?.endsMs ?? Number.NaN).toISOString()).toBe(end)
  })

  test('forever has no end', () => {
    expect(parseDeadline('forever')).toEqual({ text: 'forever', endsMs: undefined })
  })

  test.each([
    '',
    'Forever',
    'forever ',
    'never',
    '2024-01-01',
    '2024-01-01T00:00:00',
    '2024-01-01 00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2023-02-31T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-00-10T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T25:00:00Z',
    '2024-01-01T00:61:00Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00.0000000000Z',
    '2024-01-01T00:00:00z',
    '+002024-01-01T00:00:00Z',
    '1704067200000',
    '2024-01-01T00:00:00Z\n',
  ])('%j is none', text => {
    expect(parseDeadline(text)).toBeUndefined()
  })

  test('at whatever time of a day, it is the 00:00 UTC that follows, more than no time and at most a day later', () => {
    const year = {
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    }
    fc.assert(
      fc.property(fc.date(year), date => {
        const endsMs = parseDeadline(date.toISOString())?.endsMs ?? Number.NaN
        const end = new Date(endsMs)
        expect([end.getUTCHours(), end.getUTCMinutes(), end.getUTCSeconds(), end.getUTCMilliseconds()]).toEqual([
          0, 0, 0, 0,
        ])
        expect(endsMs - date.getTime()).toBeWithin(1, 86_400_001)
        expect(new Date(endsMs - 1).toISOString().slice(0, 10)).toBe(date.toISOString().slice(0, 10))
      }),
    )
  })
})
