import { compileTagPatterns } from '../../protocol/manage/tag-patterns.ts'
import { DomainError } from '../errors.ts'
import type { ReadyRule, RetentionRule } from './rules.ts'

/** Rules with their patterns compiled. Throws `parameter_invalid` for a pattern that is none, or asks for too much. */
export async function readyRules(rules: readonly RetentionRule[]): Promise<ReadyRule[]> {
  const patterns = rules.map(rule => rule.exempts.flatMap(each => (each.kind === 'pattern' ? [each.pattern] : [])))
  const compiled = await compileTagPatterns(patterns.flat())
  if (compiled.kind === 'invalid') {
    const { reason } = compiled
    throw new DomainError('parameter_invalid', 'pattern is invalid', { parameter: 'pattern', reason })
  }
  return rules.map(rule => {
    const tags = new Set(rule.exempts.flatMap(each => (each.kind === 'tag' ? [each.tag] : [])))
    const matches = rule.exempts.flatMap(each => {
      return each.kind === 'pattern' ? (compiled.matches.get(each.pattern) ?? []) : []
    })
    return { ...rule, isExempt: tag => tags.has(tag) || matches.some(isMatch => isMatch(tag)) }
  })
}
