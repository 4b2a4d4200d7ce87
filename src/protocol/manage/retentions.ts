import { z } from 'zod'
import { parseTag, tagRule } from '../oci/names.ts'
import { textField } from './fields.ts'
import { pageQuery } from './paging.ts'
import { maxTagPatternLength } from './tag-patterns.ts'

/** SWR user manual, "Adding an Image Retention Policy". */
export const maxRetentionDays = 365
export const maxRetainedTags = 1000

/** Bounds of this installation: each rule is held against every tag, each day. */
export const maxRetentionRules = 10
export const maxTagSelectors = 100

const labelField = z.object({
  kind: z.literal('label'),
  pattern: z
    .string({ error: tagRule })
    .refine(text => parseTag(text) !== undefined, { error: tagRule })
    .meta({ description: 'A tag.' }),
})

const regexpField = z.object({
  kind: z.literal('regexp'),
  pattern: textField('a regular expression')
    .min(1, { error: patternRule() })
    .max(maxTagPatternLength, { error: patternRule() })
    .meta({
      description: 'An expression of RE2 that is found in every tag it exempts, or is the tag between `^` and `$`.',
    }),
})

const selectorsRule = `tag_selectors is an array of at most ${maxTagSelectors} entries`

const selectorsField = z
  .array(z.discriminatedUnion('kind', [labelField, regexpField], { error: 'kind is label or regexp' }), {
    error: selectorsRule,
  })
  .max(maxTagSelectors, { error: selectorsRule })
  .meta({ description: 'The tags that the rule neither removes nor counts.' })

const templateRule = 'template is date_rule or tag_rule'

const ruleField = z.discriminatedUnion(
  'template',
  [
    z.object({
      template: z.literal('date_rule'),
      params: z.object({ days: numberField('days', maxRetentionDays) }, { error: 'params of a date_rule hold days' }),
      tag_selectors: selectorsField,
    }),
    z.object({
      template: z.literal('tag_rule'),
      params: z.object({ num: numberField('num', maxRetainedTags) }, { error: 'params of a tag_rule hold num' }),
      tag_selectors: selectorsField,
    }),
  ],
  { error: templateRule },
)

const rulesRule = `rules is an array of 1 to ${maxRetentionRules} entries`

/** `POST …/retentions` and `PATCH …/retentions/{retention_id}`. */
export const retentionBody = z.object({
  algorithm: z.literal('or', { error: 'algorithm is or' }),
  rules: z
    .array(ruleField, { error: rulesRule })
    .min(1, { error: rulesRule })
    .max(maxRetentionRules, { error: rulesRule })
    .meta({ description: 'A tag goes when any of them says so.' }),
})

export type RetentionBody = z.infer<typeof retentionBody>

const selectorView = z.object({ kind: z.enum(['label', 'regexp']), pattern: z.string() })

/** A rule as it is shown: numbers are text. */
export const ruleView = z.discriminatedUnion('template', [
  z.object({
    template: z.literal('date_rule'),
    params: z.object({ days: z.string() }),
    tag_selectors: z.array(selectorView),
  }),
  z.object({
    template: z.literal('tag_rule'),
    params: z.object({ num: z.string() }),
    tag_selectors: z.array(selectorView),
  }),
])

export type RuleView = z.infer<typeof ruleView>

/** The answer to `POST …/retentions`. */
export const createdRetentionView = z.object({ id: z.int() })

export type CreatedRetentionView = z.infer<typeof createdRetentionView>

/** `GET …/retentions/{retention_id}`; the list's body is the bare array. */
export const retentionView = z.object({
  algorithm: z.literal('or'),
  id: z.int(),
  rules: z.array(ruleView),
  /** Reserved. */
  scope: z.literal(''),
})

export type RetentionView = z.infer<typeof retentionView>

export const retentionListView = z.array(retentionView)

/** `GET …/retentions/histories`. */
export const retentionHistoryView = z.object({
  retention_log: z.array(
    z.object({
      created_at: z.iso.datetime(),
      id: z.int(),
      namespace: z.string(),
      repo: z.string(),
      retention_id: z.int(),
      /** The rule by which the tag went, as JSON. */
      rule_type: z.string(),
      tag: z.string(),
    }),
  ),
  total: z.int(),
})

export type RetentionHistoryView = z.infer<typeof retentionHistoryView>

/** Parameters of the history, plain or in `filter`. */
export const retentionHistoryKeys = ['limit', 'offset'] as const
export const retentionHistoryQuery = z.object(pageQuery)

/** SWR writes numbers as text, and some clients as numbers. */
function numberField(name: string, most: number) {
  const rule = `${name} is a whole number from 1 to ${most}`
  return z
    .union([z.string(), z.number()], { error: rule })
    .transform((value, context) => {
      const number = typeof value === 'string' && !/^[0-9]{1,4}$/.test(value) ? Number.NaN : Number(value)
      if (Number.isInteger(number) && number >= 1 && number <= most) return number
      context.addIssue({ code: 'custom', message: rule })
      return z.NEVER
    })
    .meta({ description: `A whole number from 1 to ${most}.`, minimum: 1, maximum: most, pattern: '^[0-9]{1,4}$' })
}

function patternRule(): string {
  return `a regular expression has 1 to ${maxTagPatternLength} characters`
}
