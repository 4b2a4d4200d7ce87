import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Signature } from './authorization.ts'
import { canonicalRequests, type SignedParts } from './canonical-requests.ts'

/**
 * True when the request was signed with the secret key (SWR API, "AK/SK signing"). All that it may have been signed as
 * is tried, whichever fits, so that the time says nothing but how the request is spelled.
 */
export function isSignedWith(
  secretKey: string,
  { signature, dateTime, parts }: { signature: Signature; dateTime: string; parts: SignedParts },
): boolean {
  const key = signingKey(secretKey, signature)
  const head = headOf(signature, dateTime)
  let isRight = false
  for (const request of canonicalRequests(signature, parts)) {
    // Header values came as bytes, and each is one character here.
    const hash = createHash('sha256').update(request, 'latin1').digest('hex')
    const expected = createHmac('sha256', key).update(`${head}${hash}`).digest()
    if (timingSafeEqual(expected, signature.bytes)) isRight = true
  }
  return isRight
}

/** Names algorithm and time, and the scope where there is one: a key of one scope signs nothing in another. */
function headOf({ form, scope }: Signature, dateTime: string): string {
  switch (form) {
    case 'plain':
      return `SDK-HMAC-SHA256\n${dateTime}\n`
    case 'scoped':
      return `SDK-HMAC-SHA256\n${dateTime}\n${scope}\n`
    case 'derived':
      return `V11-HMAC-SHA256\n${dateTime}\n${scope}\n`
  }
}

function signingKey(secretKey: string, { form, scope, accessKeyId }: Signature): string | Uint8Array {
  switch (form) {
    case 'plain':
      return secretKey
    case 'scoped':
      return scope
        .split('/')
        .reduce<string | Uint8Array>((key, part) => createHmac('sha256', key).update(part).digest(), `SDK${secretKey}`)
    case 'derived':
      // The digits of the key are the key.
      return Buffer.from(hkdfSync('sha256', secretKey, accessKeyId, scope, 32)).toString('hex')
  }
}
