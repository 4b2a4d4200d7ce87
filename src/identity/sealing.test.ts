import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { sealerOf } from './sealing.ts'

const sealer = sealerOf('an encryption key')

test('what is sealed opens under its purpose, and twice sealed looks different', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (plain, purpose) => {
      const sealed = sealer.seal(plain, purpose)
      expect(sealed).not.toEqual(sealer.seal(plain, purpose))
      expect([...sealer.unseal(sealed, purpose)]).toEqual([...plain])
    }),
    { numRuns: 50 },
  )
})

test('every changed, missing or added byte is found', () => {
  const sealed = sealer.seal(Buffer.from('a secret'), 'access-key A')
  for (let index = 0; index < sealed.byteLength; index++) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8((changed.readUInt8(index) + 1) % 256, index)
    expect(() => sealer.unseal(changed, 'access-key A')).toThrow('does not open')
    expect(() => sealer.unseal(sealed.subarray(0, index), 'access-key A')).toThrow('does not open')
  }
  expect(() => sealer.unseal(Buffer.concat([sealed, Buffer.of(0)]), 'access-key A')).toThrow('does not open')
})

test('a secret moved to another row does not open there', () => {
  const sealed = sealer.seal(Buffer.from('a secret'), 'access-key A')
  expect(() => sealer.unseal(sealed, 'access-key B')).toThrow('does not open')
})

test('another key opens nothing', () => {
  const sealed = sealer.seal(Buffer.from('a secret'), 'a')
  expect(() => sealerOf('another encryption key').unseal(sealed, 'a')).toThrow('does not open')
})
