import { expect, test } from 'bun:test'
import { compileTagPatterns, maxTagPatternLength } from './tag-patterns.ts'

async function isFound(pattern: string, tag: string): Promise<boolean> {
  const compiled = await compileTagPatterns([pattern])
  if (compiled.kind === 'invalid') throw new Error(compiled.reason)
  return compiled.matches.get(pattern)?.(tag) ?? false
}

test.each([
  ['rel', 'x-rel-1', true],
  ['^rel', 'x-rel-1', false],
  ['rel$', 'x-rel-1', false],
  ['^123$', '123', true],
  ['^123$', '1234', false],
  ['1.2', '1x2', true],
  ['1\\.2', '1x2', false],
  ['^v\\d+\\.\\d+$', 'v1.20', true],
  ['^(a|b)+$', 'abba', true],
  ['^V', 'v1', false],
  ['(?i)^V', 'v1', true],
  ['', 'anything', true],
])('%s in %s is found: %p', async (pattern, tag, found) => {
  expect(await isFound(pattern, tag)).toBe(found)
})

test.each([
  ...['(', 'a)', '[a', '*', 'a**', '\\', '(?=a)', '(?!a)', '(?<!a)b', '(a)\\1', '(?P<n', 'a{1001}', '[z-a]', '\\p{X}'],
  ...['(a{50}){50}', 'a{40}'.repeat(40), '(?:[a-z]{9}x{1000}){9}', '.'.repeat(maxTagPatternLength + 1)],
])('%s is refused', async pattern => {
  expect((await compileTagPatterns(['ok', pattern])).kind).toBe('invalid')
})

test('what one pattern may come to, all of them may', async () => {
  const large = (letter: string) => `${letter}{400}`
  expect((await compileTagPatterns([large('a'), large('b')])).kind).toBe('patterns')
  expect((await compileTagPatterns([large('a'), large('b'), large('c')])).kind).toBe('invalid')
  expect((await compileTagPatterns([large('a'), large('a'), large('a')])).kind).toBe('patterns')
})

/** Each takes a backtracking engine longer than anyone lives, for the tags below. */
const evil = [
  ...['(a+)+$', '(a|a)*b', '(a|aa)+$', '([a-zA-Z]+)*!', '(.*a){30}', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$'],
  ...['(a?){60}a{60}', '(.*)(.*)(.*)(.*)(.*)(.*)b', '((a*)*)*b', '[ab]*a[ab]{120}', '([ab]?){200}[ab]*a[ab]{100}'],
]
const tags = ['a'.repeat(128), `${'a'.repeat(127)}!`, 'ab'.repeat(64), `${'x'.repeat(127)}-`]

test.each(evil)('%s takes a time that is linear in the tag', async pattern => {
  const compiled = await compileTagPatterns([pattern])
  if (compiled.kind === 'invalid') throw new Error(compiled.reason)
  const isMatch = compiled.matches.get(pattern)
  const before = process.cpuUsage()
  for (let round = 0; round < 50; round++) for (const tag of tags) isMatch?.(tag)
  // Three milliseconds for a tag are what the slowest takes on a slow machine.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(50 * tags.length * 10)
})

test('patterns of a megabyte, and thousands of them, are refused in a moment', async () => {
  const before = process.cpuUsage()
  for (const patterns of [
    ['(a+)+'.repeat(200_000)],
    ['('.repeat(1_000_000)],
    ['a{1,9}'.repeat(150_000)],
    Array.from({ length: 100_000 }, (_, index) => `(a|a)*${index}`),
    ['(?:[a-z]{9}x{1000}){9}'],
    ['\\pL{1000}'.repeat(28)],
  ]) {
    expect((await compileTagPatterns(patterns)).kind).toBe('invalid')
  }
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(1_500)
})
