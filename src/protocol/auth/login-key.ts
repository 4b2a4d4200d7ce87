import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The password that belongs to the docker login `project@AK`: 64 lower-case hex. Both ends derive it from the secret key,
 * as SWR's manual does with `openssl dgst -sha256 -hmac`.
 */
export function deriveLoginKey(accessKeyId: string, secretKey: string): string {
  return createHmac('sha256', secretKey).update(accessKeyId).digest('hex')
}

/** The docker login of a token is `bearertoken@{id}`, with the token itself as its password. */
export const bearerTokenUser = 'bearertoken'

/** What is to be pasted into a shell: none of its parts holds a character that means something there. */
export function dockerLoginCommand({ user, password, host }: { user: string; password: string; host: string }): string {
  return `docker login -u ${user} -p ${password} ${host}`
}

/** Compares in a time that says nothing about where the two differ. */
export function isLoginKey(given: string, accessKeyId: string, secretKey: string): boolean {
  const expected = Buffer.from(deriveLoginKey(accessKeyId, secretKey))
  const actual = Buffer.from(given)
  return actual.byteLength === expected.byteLength && timingSafeEqual(actual, expected)
}
