import type { ReceivedRequest } from '../../src/protocol/auth/signing/received-request.ts'
import { type SigningKey, sign, type Unsigned } from './sign.ts'

const host = 'registry.test:8080'

/** A signed request as identity is given one. `at` is the time in the signature. */
export function signedRequest(
  key: SigningKey,
  { at, ...unsigned }: Partial<Unsigned> & { at: number },
): ReceivedRequest {
  const request = { method: 'GET', path: '/v2/manage/namespaces', body: '', ...unsigned }
  const [path = '', query = ''] = request.path.split('?')
  return {
    ...{ method: request.method, path, query },
    headers: new Headers(sign(key, request, { host, at })),
    hosts: [host],
    isSecure: false,
    body: async () => Buffer.from(request.body),
  }
}
