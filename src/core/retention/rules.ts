/**
 * What a policy wants of the tags of a repository. A rule neither removes nor counts what it exempts: SWR's selectors are
 * "tags that are not counted in the policy" (SWR API, "Creating an Image Retention Policy").
 */
export type RetentionRule = {
  exempts: readonly TagSelector[]
} & (
  | { keeps: 'recent'; days: number } // tags pushed within so many days
  | { keeps: 'newest'; count: number } // so many tags, those that were pushed last
)

/** One tag by its whole name, or every tag in which the expression is found. */
export type TagSelector = { kind: 'tag'; tag: string } | { kind: 'pattern'; pattern: string }

/** A rule whose selectors can be asked. */
export type ReadyRule = RetentionRule & { isExempt: (tag: string) => boolean }

export const dayMs = 24 * 60 * 60_000

/** Rules as their row keeps them. */
export function parseRules(json: string): readonly RetentionRule[] {
  return JSON.parse(json) as readonly RetentionRule[]
}

/** A rule as the log keeps it. */
export function parseRule(json: string): RetentionRule {
  return JSON.parse(json) as RetentionRule
}
