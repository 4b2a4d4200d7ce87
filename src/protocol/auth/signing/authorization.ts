/**
 * A signature as the Authorization header carries it. `plain` is what the current SDKs send, `scoped` what those before
 * them do, `derived` what the current ones send for keys that are bound to a region and a service.
 */
export type Signature = {
  form: 'plain' | 'scoped' | 'derived'
  accessKeyId: string
  /** `{yyyymmdd}/{region}/{service}`, of a scoped one with `/sdk_request` behind it; empty for a plain one. */
  scope: string
  /** Names in lower case, each once, in the order in which they were signed. */
  signedHeaders: readonly string[]
  /** 32 bytes. */
  bytes: Uint8Array
}

export type ParsedSignature = { kind: 'signature'; signature: Signature } | { kind: 'invalid'; reason: string }

/** True for an Authorization header that carries a signature of whatever algorithm, and no token and no password. */
export function isSignatureHeader(authorization: string): boolean {
  return /^(?:SDK|V11)-/.test(authorization)
}

/** Reads the one spelling that all signers write; `reason` says in one sentence what is wrong with another. */
export function parseSignature(authorization: string): ParsedSignature {
  const space = authorization.indexOf(' ')
  const algorithm = authorization.slice(0, space < 0 ? authorization.length : space)
  if (algorithm !== 'SDK-HMAC-SHA256' && algorithm !== 'V11-HMAC-SHA256') {
    const shown = algorithm.slice(0, 40)
    return { kind: 'invalid', reason: `the algorithm ${shown} is not taken here: sign with SDK-HMAC-SHA256` }
  }
  for (const [form, grammar] of Object.entries(grammars) as [Signature['form'], RegExp][]) {
    const groups = grammar.exec(authorization)?.groups
    if (!groups) continue
    const { accessKeyId = '', scope = '', names = '', hex = '' } = groups
    const signedHeaders = names.split(';')
    if (new Set(signedHeaders).size !== signedHeaders.length) return malformed('a header is named twice')
    return {
      kind: 'signature',
      signature: { form, accessKeyId, scope, signedHeaders, bytes: Buffer.from(hex, 'hex') },
    }
  }
  return malformed('it is Access=…, SignedHeaders=…, Signature=… with 64 digits, or Credential=… first')
}

const accessKeyId = '(?<accessKeyId>[A-Za-z0-9._-]{1,128})'
const scope = '[0-9]{8}/[A-Za-z0-9._-]*/[A-Za-z0-9._-]*'
const token = "[a-z0-9!#$%&'*+.^_`|~-]+"
const rest = `, SignedHeaders=(?<names>${token}(?:;${token})*), Signature=(?<hex>[0-9a-f]{64})$`

const grammars: Record<Signature['form'], RegExp> = {
  plain: new RegExp(`^SDK-HMAC-SHA256 Access=${accessKeyId}${rest}`),
  scoped: new RegExp(`^SDK-HMAC-SHA256 Credential=${accessKeyId}/(?<scope>${scope}/sdk_request)${rest}`),
  derived: new RegExp(`^V11-HMAC-SHA256 Credential=${accessKeyId}/(?<scope>${scope})${rest}`),
}

function malformed(reason: string): ParsedSignature {
  return { kind: 'invalid', reason: `the Authorization header is no signature: ${reason}` }
}
