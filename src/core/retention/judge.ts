import { targetOfAccessoryTag } from '../../protocol/oci/accessory-tags.ts'
import { dayMs, type ReadyRule } from './rules.ts'

/** A tag with the time when it was last pushed, whether it moved by that or stayed where it was. */
export type PushedTag = { name: string; pushedMs: number }

/** `reasons`: what each rule says, in their order. `rule` is the first one by which the tag goes. */
export type Verdict = { reasons: readonly string[] } & ({ goes: false } | { goes: true; rule: number })

/**
 * Which tags of a repository go by a policy at this time, newest first. Pure, and the one place that says so.
 *
 * Each rule judges all tags as they are now, and a tag goes when any of them says so: that is SWR's `or`. Rules say what
 * is to be left ("the last 7", "of the last 30 days"), and after a run each of them holds; were a tag kept as long as
 * any rule kept it, a second rule could only ever weaken the first.
 *
 * Signatures and the like have tags that are made of their image's digest; they go with their image, and here they neither
 * count nor age. Of tags that were pushed in one moment the one whose name comes later is the newer.
 */
export function judgeTags(
  rules: readonly ReadyRule[],
  tags: readonly PushedTag[],
  nowMs: number,
): { tag: string; verdict: Verdict }[] {
  let tally = noTally(rules)
  return tags.toSorted(newestFirst).map(tag => {
    const judged = judgeNext(rules, tag, { nowMs, tally })
    tally = judged.tally
    return { tag: tag.name, verdict: judged.verdict }
  })
}

/** How many tags each rule has counted on the way from the newest; those behind its number it need not count. */
export type Tally = readonly number[]

export function noTally(rules: readonly ReadyRule[]): Tally {
  return rules.map(() => 0)
}

/**
 * The same for one tag after another from the newest on, for repositories whose tags nobody wants in memory at once.
 * `isCounted`: it is one of those by whose number a rule will send older ones away.
 */
export function judgeNext(
  rules: readonly ReadyRule[],
  tag: PushedTag,
  { nowMs, tally }: { nowMs: number; tally: Tally },
): { verdict: Verdict; tally: Tally; isCounted: boolean } {
  if (belongsToImage(tag.name)) {
    return { verdict: { goes: false, reasons: ['goes with the image that it is about'] }, tally, isCounted: false }
  }
  const opinions = rules.map((rule, number) => opinionOf(rule, tag, { nowMs, counted: tally[number] ?? 0 }))
  const reasons = opinions.map(opinion => opinion.reason)
  const rule = opinions.findIndex(opinion => opinion.goes)
  const isCounted = opinions.some(opinion => opinion.counts)
  return {
    verdict: rule < 0 ? { goes: false, reasons } : { goes: true, rule, reasons },
    tally: isCounted ? tally.map((count, number) => count + (opinions[number]?.counts ? 1 : 0)) : tally,
    isCounted,
  }
}

type Opinion = { goes: boolean; counts: boolean; reason: string }

function opinionOf(
  rule: ReadyRule,
  { name, pushedMs }: PushedTag,
  { nowMs, counted }: { nowMs: number; counted: number },
): Opinion {
  if (rule.isExempt(name)) return { goes: false, counts: false, reason: 'exempt' }
  switch (rule.keeps) {
    case 'recent':
      return nowMs - pushedMs > rule.days * dayMs
        ? { goes: true, counts: false, reason: `pushed more than ${rule.days} days ago` }
        : { goes: false, counts: false, reason: `pushed within ${rule.days} days` }
    case 'newest':
      return counted < rule.count
        ? { goes: false, counts: true, reason: `one of the ${rule.count} newest` }
        : { goes: true, counts: false, reason: `${rule.count} tags are newer` }
  }
}

/** What tools attach by a tag, and the lists of it that clients keep themselves (distribution-spec, "Referrers Tag Schema"). */
function belongsToImage(tag: string): boolean {
  return targetOfAccessoryTag(tag) !== undefined || /^sha(?:256|512)-[0-9a-f]{64}$/.test(tag)
}

function newestFirst(one: PushedTag, other: PushedTag): number {
  if (one.pushedMs !== other.pushedMs) return other.pushedMs - one.pushedMs
  if (one.name === other.name) return 0
  return one.name < other.name ? 1 : -1
}
