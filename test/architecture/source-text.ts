/**
 * Source with what is not code taken out, so that plain patterns can be held against it. Comments become white space.
 * Every string becomes `"<n>"`, its text being `strings[n]`; a template with substitutions becomes the sum of its parts
 * (`"0"+(name)+"1"`), so that code inside it is still seen. A regular expression becomes `0`.
 *
 * Only as much of TypeScript's grammar is known as that takes. Text of JSX may be taken for strings or comments; imports
 * stand outside of it.
 */
export type Masked = { code: string; strings: readonly string[] }

export function maskSource(source: string): Masked {
  const strings: string[] = []
  let code = ''
  let at = 0
  /** Depth of braces at which each open template's substitution ends. */
  const templates: number[] = []
  let depth = 0

  const string = (text: string) => {
    code += `"${strings.length}"`
    strings.push(text)
  }
  const template = (from: number) => {
    const end = endOfTemplate(source, from)
    string(source.slice(from, end))
    at = end + 1
    if (source[end] !== '$') return
    code += '+('
    at = end + 2
    templates.push(depth++)
  }

  while (at < source.length) {
    const character = source.charAt(at)
    const next = source.charAt(at + 1)
    if (character === '/' && (next === '/' || next === '*')) {
      const end = next === '/' ? source.indexOf('\n', at) : source.indexOf('*/', at + 2)
      at = end === -1 ? source.length : end + (next === '/' ? 0 : 2)
      code += ' '
    } else if (character === '"' || character === "'") {
      const end = endOfLine(source, at, stringPattern)
      if (end === undefined) code += source[at++]
      else {
        string(source.slice(at + 1, end - 1))
        at = end
      }
    } else if (character === '`') {
      template(at + 1)
    } else if (character === '/' && mayBeginRegex(code)) {
      const end = endOfLine(source, at, regexPattern)
      code += end === undefined ? '/' : '0'
      at = end ?? at + 1
    } else if (character === '}' && depth - 1 === templates.at(-1)) {
      templates.pop()
      depth--
      code += ')+'
      template(at + 1)
    } else {
      if (character === '{') depth++
      if (character === '}') depth--
      code += character
      at++
    }
  }
  return { code, strings }
}

const stringPattern = /(['"])(?:\\[\s\S]|(?!\1)[^\\\n])*\1/y
const regexPattern = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y

/** Where a literal that begins at `from` ends; undefined when it doesn't, and the character means something else. */
function endOfLine(source: string, from: number, pattern: RegExp): number | undefined {
  pattern.lastIndex = from
  return pattern.test(source) ? pattern.lastIndex : undefined
}

/** Position of the backtick, or of the `$` of the next substitution. */
function endOfTemplate(source: string, from: number): number {
  let at = from
  while (at < source.length && source[at] !== '`' && !source.startsWith('${', at)) at += source[at] === '\\' ? 2 : 1
  return at
}

/** A slash after a value divides; after an operator or one of these words it begins a regular expression. */
function mayBeginRegex(before: string): boolean {
  return /(?:^|[(,=:[!&|?{;+\-*%~^]|=>|\b(?:return|typeof|case|in|of|delete|void|throw|await|yield|do|else))\s*$/.test(
    before.slice(-40),
  )
}
