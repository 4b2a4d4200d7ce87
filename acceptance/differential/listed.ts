import { acceptsMediaType } from '../../src/protocol/oci/accept.ts'
import type { Exchange } from './sequence.ts'
import type { Difference } from './two-registries.ts'

/**
 * A difference that is meant. It counts for exchanges of this kind (`what` as `Sequence` names them, or a beginning of it
 * with `…`) and these two statuses, and for no other fields. `code` is the error that ours has to name.
 */
export type Listed = {
  what: string
  statuses: `${number}/${number}`
  fields: readonly string[]
  code?: string
  holds?: (exchange: Exchange) => boolean
  because: string
}

/** Finds the entry that allows a difference. */
export function entryFor(exchange: Exchange, { field }: Difference): Listed | undefined {
  const { ours, theirs } = exchange.said
  return listed.find(
    entry =>
      (entry.what.endsWith('…') ? exchange.what.startsWith(entry.what.slice(0, -1)) : exchange.what === entry.what) &&
      entry.statuses === `${ours.status}/${theirs.status}` &&
      entry.fields.includes(field) &&
      (entry.code === undefined || exchange.asked.method === 'HEAD' || ours.body.split(' ').includes(entry.code)) &&
      (entry.holds?.(exchange) ?? true),
  )
}

const error = ['status', 'body', 'content-type']
const stored = ['docker-content-digest', 'location']
const content = ['content-length', 'docker-content-digest', 'etag', 'accept-ranges', 'content-range']

/** Every difference between Stower and docker-registry 2.8 that a client may meet, with what ours follows. */
export const listed: readonly Listed[] = [
  // Names and paths
  {
    what: 'bad name',
    statuses: '400/404',
    fields: error,
    code: 'NAME_INVALID',
    because: 'distribution-spec, "Error Codes": a name that breaks the grammar is NAME_INVALID. Theirs finds no route.',
  },
  {
    what: 'bad tag',
    statuses: '404/404',
    fields: error,
    code: 'TAG_INVALID',
    because: 'distribution-spec, "Error Codes": 4xx bodies are JSON. Theirs finds no route and answers text.',
  },
  {
    what: 'bad tag, pushed',
    statuses: '400/404',
    fields: error,
    code: 'TAG_INVALID',
    because: 'distribution-spec, "Pushing Manifests": a tag has to match its grammar; a push that breaks it is wrong.',
  },
  {
    what: 'bad digest of a manifest',
    statuses: '400/500',
    fields: error,
    code: 'DIGEST_INVALID',
    because: 'distribution-spec, "Error Codes": DIGEST_INVALID. Theirs fails inside.',
  },
  {
    what: 'no endpoint',
    statuses: '404/404',
    fields: error,
    because: 'distribution-spec, "Error Codes": the body of a 4xx is JSON where it has one. Theirs answers text.',
  },
  {
    what: 'base by POST',
    statuses: '405/200',
    fields: [...error, 'allow'],
    code: 'UNSUPPORTED',
    because: 'distribution-spec, "Endpoints": end-1 is GET alone. Theirs takes every method.',
  },
  {
    what: 'method of …',
    statuses: '405/405',
    fields: ['body', 'content-type', 'allow'],
    code: 'UNSUPPORTED',
    because: 'distribution-spec, "Error Codes": UNSUPPORTED, in JSON. HEAD is taken wherever GET is (RFC 9110, 9.3.2).',
  },
  {
    what: 'method of uploads',
    statuses: '405/404',
    fields: [...error, 'allow'],
    code: 'UNSUPPORTED',
    because: 'distribution-spec, "Endpoints": end-4 is POST alone. Theirs takes the empty id for an upload.',
  },
  {
    what: 'blob of nothing',
    statuses: '404/404',
    fields: ['body'],
    code: 'NAME_UNKNOWN',
    because: 'distribution-spec, "Error Codes": a repository that is not there is NAME_UNKNOWN.',
  },
  {
    what: 'manifest of nothing',
    statuses: '404/404',
    fields: ['body'],
    code: 'NAME_UNKNOWN',
    because: 'distribution-spec, "Error Codes": a repository that is not there is NAME_UNKNOWN.',
  },

  // Blobs
  {
    what: 'GET part of a blob',
    statuses: '416/206',
    fields: [...error, ...content],
    because: 'RFC 9110, 14.1.2: content without bytes satisfies no range. Theirs answers "bytes 0--1/0".',
  },
  {
    what: 'GET part of a blob',
    statuses: '416/416',
    fields: [...error, 'docker-content-digest', 'etag'],
    because: 'distribution-spec, "Error Codes": a body in JSON. Theirs has a sentence, and the headers of the content.',
  },
  {
    what: 'GET part of a blob',
    statuses: '200/416',
    fields: [...error, ...content],
    holds: ({ asked }) => asked.headers?.range === 'bytes=x',
    because: 'RFC 9110, 14.2: a range that cannot be read may be ignored.',
  },
  {
    what: 'HEAD part of a blob…',
    statuses: '200/416',
    fields: [...error, ...content],
    because: 'RFC 9110, 14.2: ranges are for GET, and every other method ignores the header.',
  },
  {
    what: 'HEAD part of a blob…',
    statuses: '200/206',
    fields: [...error, ...content],
    because: 'RFC 9110, 14.2: ranges are for GET, and every other method ignores the header.',
  },
  {
    what: 'DELETE blob',
    statuses: '405/202',
    fields: [...error, 'allow'],
    code: 'UNSUPPORTED',
    because: 'What a manifest of the repository needs is kept; distribution-spec, "Deleting Blobs", has 405 for it.',
  },

  // Uploads
  {
    what: 'append out of order',
    statuses: '416/202',
    fields: [...error, 'range', 'docker-upload-uuid'],
    because: 'distribution-spec, "Pushing a blob in chunks": out of order is 416. Theirs ignores Content-Range.',
  },
  {
    what: 'ask for an upload that is over',
    statuses: '404/404',
    fields: ['body'],
    code: 'BLOB_UPLOAD_UNKNOWN',
    because: 'distribution-spec, "Error Codes": BLOB_UPLOAD_UNKNOWN. Theirs can no longer read what it signed itself.',
  },
  {
    what: 'unknown upload',
    statuses: '404/404',
    fields: ['body'],
    code: 'BLOB_UPLOAD_UNKNOWN',
    because: 'distribution-spec, "Error Codes": BLOB_UPLOAD_UNKNOWN. Theirs misses its own signature in the query.',
  },
  {
    what: 'cancel',
    statuses: '204/204',
    fields: ['docker-upload-uuid'],
    because: 'distribution-spec, "Cancel a blob upload": 204 without headers; the id means nothing any more.',
  },
  {
    what: 'mount with a bad digest',
    statuses: '400/202',
    fields: [...error, ...stored, 'range', 'docker-upload-uuid'],
    code: 'DIGEST_INVALID',
    because: 'distribution-spec, "Error Codes": a malformed digest of a push is DIGEST_INVALID.',
  },

  // Manifests
  {
    what: 'PUT manifest',
    statuses: '404/400',
    fields: ['status', 'body'],
    code: 'MANIFEST_BLOB_UNKNOWN',
    because: 'distribution-spec, "Endpoints": end-7 fails with 404. What is missing twice is told once.',
  },
  {
    what: 'PUT manifest that lacks a layer',
    statuses: '404/400',
    fields: ['status'],
    code: 'MANIFEST_BLOB_UNKNOWN',
    because: 'distribution-spec, "Endpoints": end-7 fails with 404.',
  },
  {
    what: 'PUT index that lacks a child',
    statuses: '404/400',
    fields: ['status'],
    code: 'MANIFEST_BLOB_UNKNOWN',
    because: 'distribution-spec, "Endpoints": end-7 fails with 404.',
  },
  {
    what: 'PUT manifest without Content-Type',
    statuses: '201/400',
    fields: [...error, ...stored],
    because: 'distribution-spec, "Pushing Manifests": clients should send one; the document says what it is.',
  },
  {
    what: 'PUT manifest with a negative size',
    statuses: '400/201',
    fields: [...error, ...stored],
    code: 'MANIFEST_INVALID',
    because: 'image-spec, descriptor.md: size is a number of bytes.',
  },
  {
    what: 'PUT manifest with schemaVersion 3',
    statuses: '400/500',
    fields: error,
    code: 'MANIFEST_INVALID',
    because: 'image-spec, manifest.md: schemaVersion must be 2. Theirs fails inside.',
  },
  {
    what: 'manifest for …',
    statuses: '200/404',
    fields: [...error, ...content],
    holds: ({ asked, said }) =>
      acceptsMediaType(asked.headers?.accept ?? null, said.ours.headers['content-type'] ?? ''),
    because: 'RFC 9110, 12.5.1: "*" stands for every type. Theirs wants the types of OCI by name.',
  },
  {
    what: 'manifest for …',
    statuses: '404/200',
    fields: [...error, ...content],
    holds: ({ asked, said }) =>
      !acceptsMediaType(asked.headers?.accept ?? null, said.theirs.headers['content-type'] ?? ''),
    because: 'RFC 9110, 12.5.1: a type that is not accepted is not sent. Theirs sends its own format to everyone.',
  },
  {
    what: 'manifest for …',
    statuses: '404/400',
    fields: error,
    because: 'RFC 9110, 12.5.1: a type that is not accepted is not sent. Theirs tries to make one of it, and fails.',
  },
  {
    what: 'DELETE tag',
    statuses: '202/400',
    fields: error,
    because: 'distribution-spec, "Deleting tags": 202. Theirs takes digests alone.',
  },
  {
    what: 'DELETE tag',
    statuses: '404/400',
    fields: error,
    code: 'MANIFEST_UNKNOWN',
    because: 'distribution-spec, "Deleting tags": 404 for one that is not there. Theirs takes digests alone.',
  },

  // Lists
  {
    what: 'list tags',
    statuses: '200/200',
    fields: ['body', 'link'],
    holds: isPageOfTheirs,
    because: 'distribution-spec, "Listing Tags": in lexical order, n at a time. Theirs has no order and no pages.',
  },
  {
    what: 'list tags ?n=0',
    statuses: '200/200',
    fields: ['body'],
    because: 'distribution-spec, "Listing Tags": n=0 is an empty list.',
  },
  {
    what: 'list tags ?n=99999999999',
    statuses: '200/200',
    fields: ['body'],
    holds: isPageOfTheirs,
    because: 'distribution-spec, "Listing Tags": in lexical order.',
  },
  {
    what: 'list tags ?n=-1',
    statuses: '400/200',
    fields: error,
    code: 'PAGINATION_NUMBER_INVALID',
    because: 'distribution-spec, "Listing Tags": n is a number of tags. Docker’s later code for it is taken.',
  },
  {
    what: 'list tags ?n=x',
    statuses: '400/200',
    fields: error,
    code: 'PAGINATION_NUMBER_INVALID',
    because: 'distribution-spec, "Listing Tags": n is a number of tags. Docker’s later code for it is taken.',
  },
  {
    what: 'catalog n=-1',
    statuses: '400/200',
    fields: [...error, 'link'],
    code: 'PAGINATION_NUMBER_INVALID',
    because: 'As with tags; docker-registry answers so from version 3 on.',
  },
  {
    what: 'catalog n=x',
    statuses: '400/200',
    fields: [...error, 'link'],
    code: 'PAGINATION_NUMBER_INVALID',
    because: 'As with tags; docker-registry answers so from version 3 on.',
  },
  {
    what: 'referrers',
    statuses: '200/404',
    fields: [...error, 'content-length'],
    because: 'distribution-spec, "Listing Referrers". Theirs is older than that endpoint.',
  },
]

/** True when our list of tags is what the specification makes of theirs, which has all of them in any order. */
function isPageOfTheirs({ asked, said }: Exchange): boolean {
  const query = new URL(String(asked.path), 'http://registry.invalid').searchParams
  const tagsIn = (body: string) => (JSON.parse(body) as { tags: string[] | null }).tags ?? []
  const after = tagsIn(said.theirs.body)
    .sort()
    .filter(tag => tag > (query.get('last') ?? ''))
  return (
    JSON.stringify(tagsIn(said.ours.body)) === JSON.stringify(after.slice(0, Number(query.get('n') ?? after.length)))
  )
}
