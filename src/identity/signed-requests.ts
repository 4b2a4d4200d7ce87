import { createHash, timingSafeEqual } from 'node:crypto'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import { findProject } from '../core/accounts/queries.ts'
import { hashOfToken } from '../core/accounts/temporary-keys.ts'
import type { UserCaller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { isSignatureHeader, parseSignature, type Signature } from '../protocol/auth/signing/authorization.ts'
import type { ReceivedRequest } from '../protocol/auth/signing/received-request.ts'
import { mostSkewMs, parseSignedTime } from '../protocol/auth/signing/signed-time.ts'
import { isSignedWith } from '../protocol/auth/signing/verify.ts'
import type { ProvingKey } from './proving-keys.ts'
import type { ReplayGuard } from './replay-guard.ts'

/**
 * The caller behind a request that was signed with an access key (SWR API, "AK/SK signing"), or undefined for one that
 * was not. The signature is held against what came, and the whole body is read for it; only then is anything looked at.
 * Throws `credentials_invalid` with `proof: 'signature'`, alike for an unknown, disabled or expired key and a wrong
 * signature, after the same work; or `body_too_large`.
 */
export function proofBySignature(
  deps: Pick<AccountsDeps, 'db' | 'clock'> & { findKey: (id: string) => Promise<ProvingKey>; replays: ReplayGuard },
): (request: ReceivedRequest) => Promise<UserCaller | undefined> {
  return async request => {
    const authorization = request.headers.get('authorization')
    if (authorization === null || !isSignatureHeader(authorization)) return undefined
    const parsed = parseSignature(authorization)
    if (parsed.kind === 'invalid') throw refused(parsed.reason)
    const { signature } = parsed
    const signed = readSignedTime(request, signature, deps.clock.nowMs())
    requireHeaders(request, signature)
    const body = await request.body()
    const parts = { ...request, payloads: payloadsOf(request, body), isWithoutBody: body.byteLength === 0 }

    const key = await deps.findKey(signature.accessKeyId)
    const isRight = isSignedWith(key.secret, { signature, dateTime: signed.dateTime, parts })
    const hasToken = isOwnToken(request, key)
    const { caller } = key
    if (!isRight || !hasToken || caller === undefined || key.isToken) {
      throw refused(
        'the access key is unknown or no longer counts, its security token is wrong or missing, or the signature is not one of this request',
      )
    }
    const projectId = await findOwnProject(deps, request, caller)
    await deps.replays.use(signature.bytes, signed.timeMs)
    return projectId === undefined ? caller : { ...caller, projectId }
  }
}

/** The error for a request whose signature proves nothing. */
function refused(reason: string): DomainError {
  return new DomainError('credentials_invalid', reason, { proof: 'signature' })
}

function readSignedTime(
  { headers }: ReceivedRequest,
  { signedHeaders, form, scope }: Signature,
  nowMs: number,
): { dateTime: string; timeMs: number } {
  const dateTime = headers.get('x-sdk-date')
  const timeMs = dateTime === null ? undefined : parseSignedTime(dateTime)
  if (dateTime === null || timeMs === undefined || !signedHeaders.includes('x-sdk-date')) {
    throw refused('X-Sdk-Date has to be there, as 20261123T072041Z, and among the signed headers')
  }
  if (form !== 'plain' && !scope.startsWith(`${dateTime.slice(0, 8)}/`)) {
    throw refused('the day in Credential is not that of X-Sdk-Date')
  }
  if (Math.abs(nowMs - timeMs) > mostSkewMs) {
    const now = new Date(nowMs).toISOString()
    throw refused(`X-Sdk-Date is more than 15 minutes from the time here, which is ${now}: set the clock`)
  }
  return { dateTime, timeMs }
}

function requireHeaders({ headers }: ReceivedRequest, { signedHeaders }: Signature): void {
  const missing = signedHeaders.find(name => name !== 'host' && headers.get(name) === null)
  if (missing !== undefined) throw refused(`the signed header ${missing.slice(0, 80)} did not come`)
}

/**
 * What may stand for the body in the signature: a hash that is said has to be the body's. Where there is no body
 * huaweicloud-sdk-python signs its hash even if the header says UNSIGNED-PAYLOAD.
 */
function payloadsOf(request: ReceivedRequest, body: Uint8Array): readonly string[] {
  const said = request.headers.get('x-sdk-content-sha256')
  const hash = createHash('sha256').update(body).digest('hex')
  if (said === null || said === hash) return [hash]
  if (said !== unsignedPayload) throw refused('X-Sdk-Content-Sha256 is not the hash of the body that came')
  const payloads = [...(request.isSecure ? [unsignedPayload] : []), ...(body.byteLength === 0 ? [hash] : [])]
  if (payloads.length === 0) throw refused('UNSIGNED-PAYLOAD is taken over TLS only: sign the body')
  return payloads
}

const unsignedPayload = 'UNSIGNED-PAYLOAD'

/** A temporary key comes with its token, and an access key with none. */
function isOwnToken({ headers }: ReceivedRequest, { tokenHash, caller }: ProvingKey): boolean {
  const given = hashOfToken(headers.get('x-security-token') ?? '')
  const isTemporary = caller?.expiresMs !== undefined
  return timingSafeEqual(given, tokenHash ?? noToken) && isTemporary === (tokenHash !== undefined)
}

const noToken = hashOfToken('')

/** Clients name the project and the account that they mean; both have to be the key's. */
async function findOwnProject(
  { db }: Pick<AccountsDeps, 'db'>,
  { headers }: ReceivedRequest,
  { accountId }: UserCaller,
): Promise<string | undefined> {
  const asked = headers.get('x-domain-id') || accountId
  if (asked !== accountId) throw refused('X-Domain-Id is not the account of the access key')
  const projectId = headers.get('x-project-id')
  if (!projectId) return undefined
  const project = isId(projectId) ? await findProject(db.read, accountId, { id: projectId }) : undefined
  if (!project)
    throw refused('X-Project-Id is no project of the account of the access key: GET /v3/projects lists them')
  return project.id
}

function isId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}
