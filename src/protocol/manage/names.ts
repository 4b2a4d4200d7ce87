/** A name of the grammar in "Creating an Organization" (SWR API, 2.1). Says nothing about whether it may be taken. */
export type OrganizationName = string & { readonly __brand: 'OrganizationName' }

/** A repository's name within its organization, with real slashes ("Creating an Image Repository", table 2). */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' }

/** The same grammars for programs, as documents of the API print them. In paths `$` stands for a slash. */
export const namePatterns = {
  organization: '^[a-z][a-z0-9]*(?:(?:[.]|__?|-+)[a-z0-9]+)*$',
  repository: '^[a-z0-9]+(?:(?:[./]|__?|-+)[a-z0-9]+)*$',
  repositoryInPath: '^[a-z0-9]+(?:(?:[.$]|__?|-+)[a-z0-9]+)*$',
} as const

/** `reason` says in one sentence which rule of the grammar is broken. */
export type ParsedName<Name> = { kind: 'name'; name: Name } | { kind: 'invalid'; reason: string }

/** SWR API, "Creating an Organization" and "Creating an Image Repository". */
export const maxOrganizationNameLength = 64
export const maxRepositoryNameLength = 128

export function parseOrganizationName(text: string): ParsedName<OrganizationName> {
  const reason = findBreach(text, organizationGrammar)
  return reason === undefined ? { kind: 'name', name: text as OrganizationName } : { kind: 'invalid', reason }
}

export function parseRepositoryName(text: string): ParsedName<RepositoryName> {
  const reason = findBreach(text, repositoryGrammar)
  return reason === undefined ? { kind: 'name', name: text as RepositoryName } : { kind: 'invalid', reason }
}

/** In paths and queries `$` stands for the slash of a repository's name; `$` itself is in no name. */
export function readSlashes(text: string): string {
  return text.replaceAll('$', '/')
}

/**
 * Why no organization may get this name: SWR keeps `library` for itself, and `manage` as a first component of a docker
 * path is the management API's. Undefined for every other name.
 */
export function reservationOf(name: OrganizationName): string | undefined {
  return name === 'library' || name === 'manage' ? `"${name}" is reserved` : undefined
}

type Grammar = {
  what: string
  maxLength: number
  /** The first character outside of the alphabet. */
  foreign: RegExp
  alphabet: string
  first: RegExp
  firstRule: string
  separators: RegExp
}

const organizationGrammar: Grammar = {
  what: 'an organization name',
  maxLength: maxOrganizationNameLength,
  foreign: /[^a-z0-9._-]/u,
  alphabet: 'lowercase letters, digits, periods, underscores and hyphens',
  first: /^[a-z]/,
  firstRule: 'a lowercase letter',
  separators: /[._-]{2,}/g,
}

const repositoryGrammar: Grammar = {
  what: 'a repository name',
  maxLength: maxRepositoryNameLength,
  foreign: /[^a-z0-9._/-]/u,
  alphabet: 'lowercase letters, digits, periods, slashes, underscores and hyphens',
  first: /^[a-z0-9]/,
  firstRule: 'a lowercase letter or digit',
  separators: /[._/-]{2,}/g,
}

/** Linear in the length of the text, and that is held against the limit first. */
function findBreach(text: string, grammar: Grammar): string | undefined {
  const { what } = grammar
  if (text.length === 0 || text.length > grammar.maxLength) {
    return `${what} has 1 to ${grammar.maxLength} characters, and this one has ${text.length}`
  }
  const foreign = grammar.foreign.exec(text)?.[0]
  if (foreign !== undefined) return `${what} holds only ${grammar.alphabet}, and this one holds ${quote(foreign)}`
  if (!grammar.first.test(text)) return `${what} starts with ${grammar.firstRule}`
  if (!/[a-z0-9]$/.test(text)) return `${what} ends with a lowercase letter or digit`
  for (const [run] of text.matchAll(grammar.separators)) {
    if (/^_{3,}$/.test(run)) return `at most two underscores may follow each other in ${what}`
    // Runs of hyphens are let through: docker's grammar, which the API quotes, has them.
    if (run !== '__' && !/^-+$/.test(run)) return `separators may not stand next to each other in ${what}: "${run}"`
  }
  return undefined
}

/** Control characters and half surrogates are named, not repeated. */
function quote(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0
  const isPrintable = codePoint > 0x20 && codePoint !== 0x7f && character.isWellFormed()
  return isPrintable ? `"${character}"` : `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`
}
