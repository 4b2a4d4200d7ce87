import { createHash, createHmac } from 'node:crypto'

/** A request of a test before it is sent. `path` with its query, as both go into the signature and onto the wire. */
export type Unsigned = {
  method: string
  path: string
  body?: string
  headers?: Record<string, string>
}

export type SigningKey = { accessKey: string; secretKey: string }

/**
 * Headers of a request signed as the current SDKs do it, for paths that are their own canonical form but for the slash at
 * the end. `signed`: which of the headers; all of them unless it is given. `dateTime`: of the signature.
 */
export function sign(
  { accessKey, secretKey }: SigningKey,
  { method, path, body = '', headers = {} }: Unsigned,
  options: { host: string; at: number; signed?: readonly string[]; payload?: string },
): Record<string, string> {
  const dateTime = new Date(options.at).toISOString().replace(/[-:]|\.\d+/g, '')
  const sent: Record<string, string> = { host: options.host, 'x-sdk-date': dateTime, ...headers }
  const names = options.signed ?? Object.keys(sent).sort()
  const [pathname = '', query = ''] = path.split('?')
  const request = [
    method,
    pathname.endsWith('/') ? pathname : `${pathname}/`,
    query.split('&').sort().join('&'),
    ...names.map(name => `${name}:${sent[name]}`),
    '',
    names.join(';'),
    options.payload ?? sha256(body),
  ].join('\n')
  const toSign = `SDK-HMAC-SHA256\n${dateTime}\n${sha256(request)}`
  const signature = createHmac('sha256', secretKey).update(toSign).digest('hex')
  return {
    ...sent,
    authorization: `SDK-HMAC-SHA256 Access=${accessKey}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
