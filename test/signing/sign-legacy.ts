import { createHash, createHmac } from 'node:crypto'

/** What is signed: `path` as it goes over the wire, with its query. */
export type LegacyRequest = { method: string; path: string; headers: Readonly<Record<string, string>>; body: string }

/**
 * Headers of a request as gophertelekomcloud signs it with an access key: the older form, with a scope of a day and of
 * neither region nor service, over all headers that it sends.
 */
export function signLegacy(
  key: { accessKey: string; secretKey: string },
  { method, path, headers, body }: LegacyRequest,
  atMs: number,
): Record<string, string> {
  const dateTime = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const day = dateTime.slice(0, 8)
  const scope = `${day}///sdk_request`
  const sent: Record<string, string> = { ...headers, 'x-sdk-date': dateTime }
  const names = Object.keys(sent).sort()
  const [pathname = '', query = ''] = path.split('?')
  const request = [
    method,
    canonicalPath(pathname),
    query.split('&').sort().join('&'),
    ...names.map(name => `${name}:${sent[name]?.trim().replace(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n')
  const toSign = ['SDK-HMAC-SHA256', dateTime, scope, sha256(request)].join('\n')
  const signingKey = [day, '', '', 'sdk_request'].reduce<string | Buffer>(hmac, `SDK${key.secretKey}`)
  const signature = hmac(signingKey, toSign).toString('hex')
  const credential = `Credential=${key.accessKey}/${scope}`
  return {
    ...sent,
    authorization: `SDK-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

/** Decoded as a whole, then each part encoded, with a slash at the end. */
function canonicalPath(pathname: string): string {
  const parts = decodeURIComponent(pathname).split('/')
  const encoded = parts.map(part => encodeURIComponent(part).replace(/[!'()*]/g, hexOf)).join('/')
  return encoded.endsWith('/') ? encoded : `${encoded}/`
}

function hexOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
