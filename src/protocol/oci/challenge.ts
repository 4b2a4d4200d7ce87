/**
 * The WWW-Authenticate header of the docker token protocol (distribution, "Token Authentication Specification";
 * RFC 6750 section 3). `scope` holds one scope or several with spaces between them; the challenge to `/v2/` has none.
 * One scheme to a header, all values quoted, no blanks after commas: parsers of clients take nothing else reliably.
 */
export function bearerChallenge(challenge: {
  realm: string
  service: string
  scope?: string
  error?: 'invalid_token' | 'insufficient_scope'
}): string {
  const parameters = [`realm=${quoted(challenge.realm)}`, `service=${quoted(challenge.service)}`]
  if (challenge.scope !== undefined) parameters.push(`scope=${quoted(challenge.scope)}`)
  if (challenge.error !== undefined) parameters.push(`error=${quoted(challenge.error)}`)
  return `Bearer ${parameters.join(',')}`
}

/** The WWW-Authenticate header of plain HTTP authentication (RFC 7617). */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quoted(realm)}`
}

/** `repository:group/app:pull,push`. */
export function formatScope(type: string, name: string, actions: readonly string[]): string {
  return `${type}:${name}:${actions.join(',')}`
}

/** A quoted-string (RFC 9110 section 5.6.4). What may not stand in one, line ends above all, is left out. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`
}
