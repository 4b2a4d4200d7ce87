/** One scope of the docker token protocol: what a client wants to do, or what a token allows. */
export type Scope = { type: string; name: string; actions: string[] }

/** Docker asks for two scopes (push with mount), kaniko for a handful; more than this is nobody's honest request. */
export const maxScopes = 64

/**
 * Reads the `scope` parameters of a token request, repeated or joined by spaces (distribution, "Token Scope
 * Documentation"): `type[(class)]:name:actions`, where the name may hold colons (`host:5000/a/b`). The class says nothing
 * about rights and is dropped. Scopes for the same object become one. What breaks the grammar is passed over, and so is
 * what comes after `maxScopes` pieces: a token with less is an answer, an error is not.
 */
export function parseScopes(values: readonly string[]): Scope[] {
  const scopes = new Map<string, Scope>()
  for (const piece of takePieces(values)) {
    const scope = parseScope(piece)
    if (scope === undefined) continue
    const key = `${scope.type}:${scope.name}`
    const known = scopes.get(key)
    if (known === undefined) scopes.set(key, scope)
    else known.actions = unique([...known.actions, ...scope.actions])
  }
  return [...scopes.values()]
}

const maxPieceLength = 1024
const maxActions = 16

function takePieces(values: readonly string[]): string[] {
  return values
    .flatMap(value => value.split(' '))
    .filter(piece => piece !== '' && piece.length <= maxPieceLength)
    .slice(0, maxScopes)
}

function parseScope(text: string): Scope | undefined {
  const firstColon = text.indexOf(':')
  const lastColon = text.lastIndexOf(':')
  const type = parseType(text.slice(0, Math.max(firstColon, 0)))
  const name = text.slice(firstColon + 1, lastColon)
  const actions = text
    .slice(lastColon + 1)
    .split(',')
    .filter(isAction)
  if (type === undefined || name === '' || actions.length > maxActions) return undefined
  return { type, name, actions: unique(actions) }
}

/** `repository` and `repository(plugin)` are one type. */
function parseType(text: string): string | undefined {
  return /^([a-z0-9]+)(?:\([a-z0-9]+\))?$/.exec(text)?.[1]
}

function isAction(text: string): boolean {
  return text === '*' || /^[a-z]+$/.test(text)
}

function unique(actions: readonly string[]): string[] {
  return [...new Set(actions)]
}
