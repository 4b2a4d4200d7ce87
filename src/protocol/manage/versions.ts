import { z } from 'zod'

export const versionDetail = z.object({
  id: z.string(),
  links: z.object({ href: z.string(), rel: z.string() }),
  version: z.string(),
  min_version: z.string(),
  status: z.enum(['CURRENT', 'SUPPORTED', 'DEPRECATED']),
  updated: z.string(),
})

export type VersionDetail = z.infer<typeof versionDetail>

/** `GET /v2`. `baseUrl` is where clients reach the management API, without a slash at the end. */
export function versionDocument(baseUrl: string): { version: VersionDetail } {
  return { version: versionTwo(baseUrl) }
}

/** `GET /`. */
export function versionList(baseUrl: string): { versions: VersionDetail[] } {
  return { versions: [versionTwo(baseUrl)] }
}

/** SWR API, "Querying API Versions": `links` is one object, and the micro-versions are those of SWR. */
function versionTwo(baseUrl: string): VersionDetail {
  return {
    id: 'v2',
    links: { href: `${baseUrl}/v2/`, rel: 'self' },
    version: '2.26',
    min_version: '2.0',
    status: 'CURRENT',
    updated: '2020-07-09T00:00:00Z',
  }
}
