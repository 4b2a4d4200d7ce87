import type { RE2JS } from 're2js'

/** A pattern is at most twice as long as what it is held against. */
export const maxTagPatternLength = 256

/** What all patterns of a policy may come to, in steps of the compiled programs: each tag is held against all of them. */
const maxProgramSize = 1000

/** Repetitions times characters, so that no pattern is compiled that comes to many times more than that. */
const maxRepetition = 10_000

export type TagPatterns =
  | { kind: 'patterns'; matches: ReadonlyMap<string, (tag: string) => boolean> }
  | { kind: 'invalid'; reason: string }

/**
 * Compiles regular expressions of RE2's syntax for tags; each is found anywhere in a tag unless it has `^` and `$`: the
 * examples of SWR's API write those where they mean the whole tag. Users write them, so the engine takes a time linear in
 * tag and pattern; it is loaded by the first pattern.
 */
export async function compileTagPatterns(patterns: readonly string[]): Promise<TagPatterns> {
  const matches = new Map<string, (tag: string) => boolean>()
  if (patterns.length === 0) return { kind: 'patterns', matches }
  const engine = await import('re2js')
  let size = 0
  for (const pattern of new Set(patterns)) {
    if (pattern.length > maxTagPatternLength)
      return invalid(pattern, `is longer than ${maxTagPatternLength} characters`)
    if (repetitionOf(pattern) > maxRepetition) return invalid(pattern, 'repeats too much')
    const compiled = compile(engine.RE2JS, pattern)
    if (typeof compiled === 'string') return invalid(pattern, compiled)
    size += compiled.programSize()
    if (size > maxProgramSize) return invalid(pattern, 'is too large, by itself or with the others of the policy')
    // Not `test`, whose automaton can come to some ten megabytes for one pattern.
    matches.set(pattern, tag => compiled.matcher(tag).find())
  }
  return { kind: 'patterns', matches }
}

function compile(engine: typeof RE2JS, pattern: string): RE2JS | string {
  try {
    return engine.compile(pattern)
  } catch (error) {
    return `is none: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** The sum of all counts in braces, times the characters that they may repeat. */
function repetitionOf(pattern: string): number {
  const counts = [...pattern.matchAll(/\{[0-9]*,?([0-9]+)/g)].map(([, count]) => Number(count))
  return counts.reduce((sum, count) => sum + count, 0) * pattern.length
}

function invalid(pattern: string, reason: string): TagPatterns {
  return { kind: 'invalid', reason: `the regular expression ${JSON.stringify(pattern.slice(0, 100))} ${reason}` }
}
