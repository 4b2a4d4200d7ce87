import { z } from 'zod'

/** `POST /v2/manage/utils/secret` and `…/authorizationtoken`: docker's own form, by the host that it is for. */
export const dockerLoginView = z.object({ auths: z.record(z.string(), z.object({ auth: z.string() })) })

export type DockerLoginView = z.infer<typeof dockerLoginView>

/** The whole line to paste into a shell. */
export const dockerLoginHeader = 'x-swr-dockerlogin'

/** When the login ends, as `2025-11-01T12:18:44.382000Z`. */
export const expiryHeader = 'x-swr-expireat'

/** What each header of the answer says, for the API reference. */
export const dockerLoginHeaders = {
  [dockerLoginHeader]: 'The line to paste into a shell: `docker login -u {user} -p {password} {host}`.',
  [expiryHeader]: 'When the login ends.',
  'cache-control': 'Nothing may keep the answer.',
} as const

/** SWR API, "Generating a Temporary Login Command": the least and the most seconds that may be asked for. */
export const loginSeconds = { least: 900, most: 86_400 } as const

export const createSecretQuery = z.object({
  projectname: z
    .string()
    .optional()
    .describe('A project of the account. (default: that of the token, or the region’s)'),
  duration_seconds: z
    .string()
    .optional()
    .describe(`How long it lasts, from ${loginSeconds.least} to ${loginSeconds.most}, at most as configured.`),
})

/** Reads `duration_seconds`; undefined for what is no whole number in the bounds. */
export function parseDuration(text: string): number | undefined {
  const seconds = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN
  return seconds >= loginSeconds.least && seconds <= loginSeconds.most ? seconds : undefined
}
