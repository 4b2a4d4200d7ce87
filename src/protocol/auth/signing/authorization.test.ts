import { describe, expect, test } from 'bun:test'
import { isSignatureHeader, parseSignature } from './authorization.ts'
import { parseSignedTime } from './signed-time.ts'

const hex = '0123456789abcdef'.repeat(4)

describe('parseSignature', () => {
  test.each([
    [`SDK-HMAC-SHA256 Access=AK.1, SignedHeaders=host;x-sdk-date, Signature=${hex}`, 'plain', ''],
    [
      `SDK-HMAC-SHA256 Credential=AK.1/20261123///sdk_request, SignedHeaders=host;x-sdk-date, Signature=${hex}`,
      'scoped',
      '20261123///sdk_request',
    ],
    [
      `SDK-HMAC-SHA256 Credential=AK.1/20261123/eu-de/swr/sdk_request, SignedHeaders=host;x-sdk-date, Signature=${hex}`,
      'scoped',
      '20261123/eu-de/swr/sdk_request',
    ],
    [
      `V11-HMAC-SHA256 Credential=AK.1/20261123/eu-de/swr, SignedHeaders=host;x-sdk-date, Signature=${hex}`,
      'derived',
      '20261123/eu-de/swr',
    ],
  ])('reads %s', (header, form, scope) => {
    expect(isSignatureHeader(header)).toBe(true)
    expect(parseSignature(header)).toEqual({
      kind: 'signature',
      signature: {
        ...{ form: form as 'plain', accessKeyId: 'AK.1', scope, signedHeaders: ['host', 'x-sdk-date'] },
        bytes: Buffer.from(hex, 'hex'),
      },
    })
  })

  const plain = `SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=${hex}`
  test.each([
    ['SDK-HMAC-SHA256', 'is no signature'],
    ['SDK-HMAC-SHA256 ', 'is no signature'],
    [plain.replace('Access=AK', 'Access='), 'is no signature'],
    [plain.replace('Access=AK', 'Access=A/K'), 'is no signature'],
    [plain.replace('Access=AK', `Access=${'A'.repeat(129)}`), 'is no signature'],
    [plain.replace(', Signed', ',Signed'), 'is no signature'],
    [plain.replace('host;', 'host;;'), 'is no signature'],
    [plain.replace('host', 'Host'), 'is no signature'],
    [plain.replace('host;', 'x-sdk-date;'), 'named twice'],
    [plain.toUpperCase(), 'is no signature'],
    [plain.slice(0, -1), 'is no signature'],
    [`${plain}0`, 'is no signature'],
    [`${plain}\n`, 'is no signature'],
    [plain.replace('SDK-', 'V11-'), 'is no signature'],
    [plain.replace('SHA256', 'SM3'), 'SDK-HMAC-SM3 is not taken here: sign with SDK-HMAC-SHA256'],
    [`SDK-${'X'.repeat(100)}`, `SDK-${'X'.repeat(36)} is not taken`],
  ])('refuses %s', (header, says) => {
    const parsed = parseSignature(header)
    expect(parsed.kind === 'invalid' && parsed.reason).toContain(says)
  })

  test.each(['Basic YTpi', 'Bearer SDK-HMAC-SHA256', 'sdk-hmac-sha256 Access=AK', '', 'SDK'])('%p is none', header => {
    expect(isSignatureHeader(header)).toBe(false)
  })
})

test.each([
  ['20261123T072041Z', Date.UTC(2026, 10, 23, 7, 20, 41)],
  ['20240229T235959Z', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ['20261340T000000Z', undefined],
  ['20261123T250000Z', undefined],
  ['2026-11-23T07:20:41Z', undefined],
  ['20261123T072041', undefined],
  ['20261123T072041Z ', undefined],
  ['', undefined],
])('the time of %p is %p', (text, expected) => {
  expect(parseSignedTime(text)).toBe(expected)
})
