import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { judgeNext, judgeTags, noTally, type PushedTag } from './judge.ts'
import { readyRules } from './ready-rules.ts'
import { dayMs, type ReadyRule, type RetentionRule } from './rules.ts'

const nowMs = 1_000 * dayMs
const image = 'a'.repeat(64)

const newest = (count: number, ...exempts: RetentionRule['exempts']): RetentionRule => ({
  keeps: 'newest',
  count,
  exempts,
})
const recent = (days: number, ...exempts: RetentionRule['exempts']): RetentionRule => ({
  keeps: 'recent',
  days,
  exempts,
})
const tag = (name: string) => ({ kind: 'tag', tag: name }) as const
const pattern = (text: string) => ({ kind: 'pattern', pattern: text }) as const

/** Tags by name, each with how many days ago it was pushed. */
type Ages = Record<string, number>

const cases: [what: string, rules: RetentionRule[], tags: Ages, going: string[]][] = [
  ['as many as there are', [newest(3)], { a: 1, b: 2, c: 3 }, []],
  ['one more than there may be', [newest(2)], { a: 1, b: 2, c: 3 }, ['c']],
  ['the newest, whatever they are called', [newest(1)], { a: 3, b: 1, c: 2 }, ['c', 'a']],
  ['none at all', [newest(1)], {}, []],
  ['of one moment the later name is the newer', [newest(2)], { a: 1, b: 1, c: 1 }, ['a']],
  ['just as old as it may be', [recent(30)], { a: 30 }, []],
  ['older by the least', [recent(30)], { a: 30 + 1 / dayMs }, ['a']],
  ['a day', [recent(1)], { a: 0, b: 1, c: 2, d: 365 }, ['c', 'd']],
  ['pushed in the future', [recent(1)], { a: -1 }, []],
  ['an exempt tag, however old', [recent(1, tag('b'))], { a: 9, b: 9 }, ['a']],
  ['exempt tags do not count', [newest(2, tag('b'), tag('c'))], { a: 1, b: 2, c: 3, d: 4, e: 5 }, ['e']],
  ['exempt means the whole name', [newest(1, tag('v1'))], { new: 1, v1: 2, v10: 3, 'a-v1': 4 }, ['v10', 'a-v1']],
  ['a tag is no pattern', [newest(1, tag('v.'))], { new: 1, v1: 2 }, ['v1']],
  ['a pattern is found in a name', [newest(1, pattern('rel'))], { new: 1, rel: 2, 'x-rel-y': 3, re: 4 }, ['re']],
  [
    'a pattern with both anchors is the whole name',
    [newest(1, pattern('^1.2$'))],
    { n: 1, '1.2': 2, '11.2': 3 },
    ['11.2'],
  ],
  ['a pattern minds the case', [newest(1, pattern('^V'))], { n: 1, V1: 2, v1: 3 }, ['v1']],
  ['of many selectors one is enough', [newest(1, tag('a'), pattern('^b'))], { n: 1, a: 2, b: 3, c: 4 }, ['c']],
  ['signatures neither count nor age', [newest(1), recent(1)], { a: 1, [`sha256-${image}.sig`]: 9, b: 2 }, ['b']],
  ['nor attestations and bills', [newest(1)], { [`sha256-${image}.att`]: 0, [`sha256-${image}.sbom`]: 1, a: 2 }, []],
  ['nor lists of referrers', [newest(1)], { a: 1, [`sha256-${image}`]: 9, b: 2 }, ['b']],
  [
    'what is only called so ages',
    [newest(1)],
    { a: 1, 'sha256-abc.sig': 2, [`sha256-${image}.tar`]: 3 },
    ['sha256-abc.sig', `sha256-${image}.tar`],
  ],
  ['one rule of two is enough', [newest(2), recent(10)], { a: 1, b: 20, c: 30 }, ['b', 'c']],
  ['each by its own', [newest(2), recent(10)], { a: 1, b: 2, c: 3 }, ['c']],
  [
    'exempt from one rule is not exempt from the other',
    [newest(1, tag('b')), recent(10)],
    { a: 1, b: 2, c: 30 },
    ['c'],
  ],
  ['exempt from one goes by the other', [newest(1, tag('b')), recent(10)], { a: 1, b: 20 }, ['b']],
  [
    'what goes by one rule was counted by the other',
    [newest(2), recent(10, tag('c'))],
    { a: 1, b: 20, c: 30 },
    ['b', 'c'],
  ],
]

test.each(cases)('%s', async (_what, rules, ages, going) => {
  const tags = Object.entries(ages).map(([name, days]) => ({ name, pushedMs: nowMs - days * dayMs }))
  const judged = judgeTags(await readyRules(rules), tags, nowMs)
  expect(judged.flatMap(({ tag, verdict }) => (verdict.goes ? [tag] : []))).toEqual(going)
})

test('each rule gives its reason, and the first by which a tag goes is named', async () => {
  const rules = await readyRules([recent(30, tag('kept')), newest(1), recent(5)])
  const tags = [
    { name: 'new', pushedMs: nowMs - dayMs },
    { name: 'kept', pushedMs: nowMs - 40 * dayMs },
    { name: 'old', pushedMs: nowMs - 50 * dayMs },
    { name: `sha256-${image}.sig`, pushedMs: nowMs - 60 * dayMs },
  ]
  expect(judgeTags(rules, tags, nowMs)).toEqual([
    {
      tag: 'new',
      verdict: { goes: false, reasons: ['pushed within 30 days', 'one of the 1 newest', 'pushed within 5 days'] },
    },
    {
      tag: 'kept',
      verdict: { goes: true, rule: 1, reasons: ['exempt', '1 tags are newer', 'pushed more than 5 days ago'] },
    },
    {
      tag: 'old',
      verdict: {
        goes: true,
        rule: 0,
        reasons: ['pushed more than 30 days ago', '1 tags are newer', 'pushed more than 5 days ago'],
      },
    },
    { tag: `sha256-${image}.sig`, verdict: { goes: false, reasons: ['goes with the image that it is about'] } },
  ])
})

describe('of any rules and tags', () => {
  // Few names and times, so that tags meet in one moment and selectors meet tags.
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'rel-1', 'rel-2', `sha256-${image}.sig`)
  const tags = fc.uniqueArray(
    fc.record({ name: names, pushedMs: fc.integer({ min: 0, max: 12 }).map(days => nowMs - days * dayMs) }),
    { selector: each => each.name, maxLength: 9 },
  )
  const selectors = fc.array(fc.oneof(names.map(tag), fc.constantFrom('rel', '^a', '[b-d]', 'x').map(pattern)), {
    maxLength: 3,
  })
  const rule: fc.Arbitrary<RetentionRule> = fc.oneof(
    fc.record({ keeps: fc.constant('newest' as const), count: fc.integer({ min: 1, max: 5 }), exempts: selectors }),
    fc.record({ keeps: fc.constant('recent' as const), days: fc.integer({ min: 1, max: 10 }), exempts: selectors }),
  )
  const rules = fc.array(rule, { minLength: 1, maxLength: 3 })
  const inputs = fc.tuple(rules, tags)

  const holds = (law: (rules: readonly ReadyRule[], tags: readonly PushedTag[]) => void) =>
    fc.assert(
      fc.asyncProperty(inputs, async ([some, tags]) => law(await readyRules(some), tags)),
      { numRuns: 500 },
    )
  const left = (rules: readonly ReadyRule[], tags: readonly PushedTag[]) => {
    const going = new Set(judgeTags(rules, tags, nowMs).flatMap(({ tag, verdict }) => (verdict.goes ? [tag] : [])))
    return tags.filter(each => !going.has(each.name))
  }

  test('what every rule exempts stays', () =>
    holds((rules, tags) => {
      const exempt = tags.filter(each => rules.every(rule => rule.isExempt(each.name)))
      expect(left(rules, tags)).toEqual(expect.arrayContaining(exempt))
    }))

  test('a single rule leaves just so many, or just those days, of what it does not exempt', () =>
    holds(([rule], tags) => {
      if (!rule) return
      const subject = (each: PushedTag) => !rule.isExempt(each.name) && !each.name.endsWith('.sig')
      const kept = left([rule], tags).filter(subject)
      const all = tags.filter(subject)
      if (rule.keeps === 'recent') expect(kept).toEqual(all.filter(each => nowMs - each.pushedMs <= rule.days * dayMs))
      else {
        expect(kept).toHaveLength(Math.min(rule.count, all.length))
        const oldestKept = Math.min(...kept.map(each => each.pushedMs))
        for (const gone of all.filter(each => !kept.includes(each)))
          expect(gone.pushedMs).toBeLessThanOrEqual(oldestKept)
      }
    }))

  test('together they leave what each of them leaves', () =>
    holds((rules, tags) => {
      const byEach = rules.map(rule => left([rule], tags))
      expect(left(rules, tags)).toEqual(tags.filter(each => byEach.every(some => some.includes(each))))
    }))

  test('a second run right after it removes nothing', () =>
    holds((rules, tags) => {
      const once = left(rules, tags)
      expect(left(rules, once)).toEqual(once)
    }))

  test('tags are judged alike in whatever order they come', () =>
    holds((rules, tags) => {
      expect(judgeTags(rules, tags.toReversed(), nowMs)).toEqual(judgeTags(rules, tags, nowMs))
    }))

  test('one after the other they are judged as all at once', () =>
    holds((rules, tags) => {
      const all = judgeTags(rules, tags, nowMs)
      let tally = noTally(rules)
      for (const { tag, verdict } of all) {
        const pushedMs = tags.find(each => each.name === tag)?.pushedMs ?? 0
        const next = judgeNext(rules, { name: tag, pushedMs }, { nowMs, tally })
        expect(next.verdict).toEqual(verdict)
        tally = next.tally
      }
    }))
})
