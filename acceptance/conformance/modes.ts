import { credentials, type Program } from '../program.ts'
import { pushPublicContent } from './public-content.ts'
import type { ConformanceRun } from './runner.ts'

/** One way to run the suite: what the server is told, what the suite is told, and what the suite then leaves out. */
export type Mode = {
  title: string
  versions: readonly ConformanceRun['version'][]
  settings: Readonly<Record<string, string>>
  /** Fewer mean that the suite did not do what it was told. */
  fewestCases: number
  /** Makes ready what the suite expects to be there, in the organization `conformance`. */
  prepare: (program: Program, version: ConformanceRun['version']) => Promise<ConformanceRun>
  /** Cases that are skipped, and why; every one of these patterns has to meet one. */
  skips: readonly { because: string; cases: readonly RegExp[] }[]
}

/** What `OCI_VERSION=dev` switches on by itself, on in all versions. */
const everyApi = {
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
}

/** For each run: nothing of an earlier one may stand in for what this one should have made. */
const freshRepositories = (version: string) => [`conformance/one-${version}`, `conformance/two-${version}`] as const

export const modes: readonly Mode[] = [
  {
    title: 'everything on',
    versions: ['1.1', 'dev'],
    settings: { STOWER_SPARSE_MANIFESTS: 'true' },
    fewestCases: 820,
    prepare: async (program, version) => ({
      version,
      // The login of a user, not of a token: a token reaches only the repositories that it was asked for.
      registry: `${credentials.user}:${encodeURIComponent(credentials.password)}@${program.host}`,
      repositories: freshRepositories(version),
      switches: { ...everyApi, OCI_DATA_SPARSE: 'true' },
      readFrom: 'junit.xml',
    }),
    skips: [],
  },
  {
    title: 'as installed, through docker tokens',
    versions: ['dev'],
    settings: {},
    fewestCases: 780,
    prepare: async ({ host }, version) => ({
      version,
      registry: host,
      repositories: freshRepositories(version),
      switches: {
        ...everyApi,
        OCI_USERNAME: credentials.user,
        OCI_PASSWORD: credentials.password,
        // Each request gets a token of its own, for what its challenge says.
        OCI_CACHE_AUTH: 'false',
      },
      readFrom: 'junit.xml',
    }),
    skips: [
      {
        because: 'a challenge can’t name the source of a mount that names none, so its token doesn’t reach there',
        cases: [
          /^sha256 blobs\/mount anonymous\/blob-mount-anonymous$/,
          /^sha512 blobs\/mount anonymous\/blob-mount-anonymous$/,
        ],
      },
    ],
  },
  {
    title: 'public content, read without a login',
    // In `dev` the runner asks each manifest of content that it doesn't know for a header that it hasn't kept.
    versions: ['1.1'],
    settings: {},
    fewestCases: 30,
    prepare: async (program, version) => ({
      version,
      registry: program.host,
      repositories: ['conformance/public', 'conformance/none'],
      switches: {
        ...(await pushPublicContent(program, 'conformance/public')),
        OCI_API_PUSH: 'false',
        OCI_API_PING: 'false',
        OCI_API_TAGS_DELETE: 'false',
        OCI_API_MANIFESTS_DELETE: 'false',
        OCI_API_BLOBS_DELETE: 'false',
      },
      readFrom: 'printed tree',
    }),
    skips: [
      { because: 'OCI_API_PING=false: without a login /v2/ is a challenge', cases: [/^ping$/] },
      {
        because: 'OCI_API_PUSH=false',
        cases: [
          /^sha256 blobs$/,
          /^sha512 blobs$/,
          /^read-only\/push\/manifest-by-(digest|tag)$/,
          /^invalid-digest-format\/manifest-put$/,
        ],
      },
      {
        because: 'OCI_API_MANIFESTS_DELETE=false, OCI_API_BLOBS_DELETE=false',
        cases: [/^(read-only|invalid-digest-format)\/delete\/(manifest|blob)-delete$/],
      },
    ],
  },
]
