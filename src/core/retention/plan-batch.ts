import type { Reader } from '../../metadata/database.ts'
import { judgeNext, noTally, type Tally } from './judge.ts'
import { pageOfTags, type TagPosition } from './queries.ts'
import { dayMs, type ReadyRule } from './rules.ts'

/**
 * How far a policy is applied: behind which tag, from the newest on, what its rules have counted, and the ids of those
 * they counted that stay. Plain data, kept between steps and processes; its size hangs on the rules, not on the tags.
 */
export type Application = { after: TagPosition | undefined; tally: Tally; counted: readonly number[] }

export function beginApplication(rules: readonly ReadyRule[]): Application {
  return { after: undefined, tally: noTally(rules), counted: [] }
}

/** A tag that is to go by a rule, as it was when that was decided. */
export type DueTag = { id: number; name: string; pushedMs: number; rule: number }

/** `next`: how far the policy is applied once these are gone; undefined when that is all. */
export type Batch = { due: readonly DueTag[]; counted: readonly number[]; next: Application | undefined }

/** One transaction removes no more. */
const dueTagsPerBatch = 100
const tagsPerPage = 500
/** The patterns of a policy may take a millisecond for each tag: requests get their turn in between. */
const tagsPerTurn = 20

/** Finds the next tags that are to go; looks at no more than `mostTags`, and changes nothing. */
export async function planBatch(
  db: Reader,
  { repositoryId, rules }: { repositoryId: number; rules: readonly ReadyRule[] },
  from: Application,
  { nowMs, mostTags }: { nowMs: number; mostTags: number },
): Promise<Batch> {
  const due: DueTag[] = []
  const counted = [...from.counted]
  let { after, tally } = from
  const pushedBeforeMs = firstAge(rules, nowMs)
  for (let seen = 0; seen < mostTags; ) {
    const page = await pageOfTags(db, { repositoryId, after, pushedBeforeMs, limit: tagsPerPage })
    for (const row of page) {
      const judged = judgeNext(rules, { name: row.name, pushedMs: row.updated_ms }, { nowMs, tally })
      tally = judged.tally
      after = { pushedMs: row.updated_ms, name: row.name }
      if (judged.verdict.goes) {
        due.push({ id: row.id, name: row.name, pushedMs: row.updated_ms, rule: judged.verdict.rule })
        if (due.length === dueTagsPerBatch) return { due, counted, next: { after, tally, counted } }
      } else if (judged.isCounted) counted.push(row.id)
      if (++seen % tagsPerTurn === 0) await new Promise(resolve => setImmediate(resolve))
    }
    if (page.length < tagsPerPage) return { due, counted, next: undefined }
  }
  return { due, counted, next: { after, tally, counted } }
}

/** Where nothing is counted, tags that are younger than any rule asks need not be looked at. */
function firstAge(rules: readonly ReadyRule[], nowMs: number): number | undefined {
  const days = rules.map(rule => (rule.keeps === 'recent' ? rule.days : 0))
  return days.includes(0) ? undefined : nowMs - Math.min(...days) * dayMs
}
