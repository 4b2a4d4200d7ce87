import { expect, test } from 'bun:test'
import { accessoryTagsOf, referrersTagOf, targetOfAccessoryTag } from './accessory-tags.ts'
import { formatDigest } from './digest.ts'

const sha256 = formatDigest('sha256', 'ab'.repeat(32))
const sha512 = formatDigest('sha512', 'cd'.repeat(64))

test('the accessories of a sha256 digest have three tags, those of sha512 none', () => {
  expect(accessoryTagsOf(sha256).map(({ tag }) => String(tag))).toEqual([
    `sha256-${'ab'.repeat(32)}.sig`,
    `sha256-${'ab'.repeat(32)}.att`,
    `sha256-${'ab'.repeat(32)}.sbom`,
  ])
  expect(accessoryTagsOf(sha512)).toEqual([])
})

test('the tag of referrers is cut to 64 digits', () => {
  expect(String(referrersTagOf(sha256))).toBe(`sha256-${'ab'.repeat(32)}`)
  expect(String(referrersTagOf(sha512))).toBe(`sha512-${'cd'.repeat(32)}`)
})

test('each tag of an accessory names its target, and nothing else does', () => {
  for (const { tag } of accessoryTagsOf(sha256)) expect(targetOfAccessoryTag(tag)).toBe(sha256)
  const hex = 'ab'.repeat(32)
  for (const tag of ['v1', `sha256-${hex}`, `sha256-${hex}.zip`, `sha256-${hex}0.sig`, `md5-${hex}.sig`, `x.sig`]) {
    expect([tag, targetOfAccessoryTag(tag)]).toEqual([tag, undefined])
  }
})
