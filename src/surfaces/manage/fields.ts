import type { z } from 'zod'
import { DomainError, type ErrorCode } from '../../core/errors.ts'
import type { FieldRule } from '../../protocol/manage/fields.ts'

/**
 * What a body holds by its schema. Throws for the first field that is missing (`parameter_missing`; null is missing) or
 * wrong (`parameter_invalid`, or the code of the rule it breaks); detail names the field and says the rule.
 */
export function parseFields<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw issue ? breachOf(issue, body) : new DomainError('parameter_invalid', 'the request body is invalid')
}

const codes: Record<FieldRule, ErrorCode> = {
  'organization-name': 'organization_name_invalid',
  'repository-name': 'repository_name_invalid',
  tag: 'tag_invalid',
  level: 'level_invalid',
  'description-length': 'description_too_long',
}

function breachOf(issue: z.core.$ZodIssue, body: unknown): DomainError {
  const parameter = issue.path.filter(key => typeof key === 'string').at(-1) ?? 'body'
  const value = issue.path.reduce(valueAt, body)
  if (issue.path.length > 0 && (value === undefined || value === null)) {
    return new DomainError('parameter_missing', `${parameter} is missing`, { parameter })
  }
  const rule = issue.code === 'custom' ? ruleOf(issue.params) : undefined
  const code = rule === undefined ? 'parameter_invalid' : codes[rule]
  return new DomainError(code, `${parameter} is invalid`, { parameter, reason: issue.message })
}

function valueAt(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}

function ruleOf(params: Readonly<Record<string, unknown>> | undefined): FieldRule | undefined {
  const rule = params?.rule
  return typeof rule === 'string' && rule in codes ? (rule as FieldRule) : undefined
}
