import { z } from 'zod'
import type { ErrorCode } from '../../core/errors.ts'
import { errorsView } from '../../protocol/oci/errors-view.ts'
import { type EndpointKind, endpointMethods, type MethodOf } from '../../protocol/oci/routes.ts'
import type { ApiCall, CallAnswer, Content, Parameter } from '../../protocol/openapi/document.ts'
import { jsonSchemaOf } from '../../protocol/openapi/json-schema.ts'
import { ociErrors } from './errors.ts'

export const ociTags = {
  Registry: 'The distribution protocol of OCI. HEAD answers wherever GET does, without the body.',
}

/** The registry API, for the documents of the API. */
export function ociCalls(): ApiCall[] {
  return (Object.keys(endpoints) as EndpointKind[]).flatMap(kind => {
    const { path, calls } = endpoints[kind]
    return endpointMethods[kind].flatMap(method => {
      const described = (calls as Partial<Record<string, Described>>)[method]
      return described === undefined ? [] : [callOf(method, path, described)]
    })
  })
}

type Described = {
  operationId: string
  summary: string
  query?: readonly Parameter[]
  body?: { isRequired: boolean; content: Content }
  answers: readonly CallAnswer[]
  errors: readonly ErrorCode[]
}

/** Methods that are described: HEAD is told of once for all. */
type Endpoints = {
  [Kind in EndpointKind]: { path: string; calls: Record<Exclude<MethodOf<Kind>, 'HEAD'>, Described> }
}

const digestHeader = { 'docker-content-digest': 'The digest of the content.' }
const locationHeader = { location: 'Where it goes on, or where the content is.' }
const linkHeader = { link: 'The next page, where there is one: `rel="next"`.' }
const anything: Content = { 'application/octet-stream': undefined }
const manifestContent: Content = { 'application/vnd.oci.image.manifest.v1+json': undefined }
const json = (view: z.ZodType): Content => ({ 'application/json': jsonSchemaOf(view, 'shown') })

const pageQuery = [
  inQuery('n', 'How many entries a page has at most.', { type: 'integer', minimum: 0 }),
  inQuery('last', 'The last entry of the page before.', { type: 'string' }),
]
const digestQuery = inQuery('digest', 'The digest of the whole content.', { type: 'string' })

const endpoints: Endpoints = {
  base: {
    path: '/v2/',
    calls: {
      GET: {
        ...{ operationId: 'showRegistry', summary: 'Says that the registry API is spoken, to who is logged in.' },
        ...{ answers: [answer(200, 'It is spoken.', {}, json(z.object({})))], errors: [] },
      },
    },
  },
  catalog: {
    path: '/v2/_catalog',
    calls: {
      GET: {
        ...{ operationId: 'listCatalog', summary: 'Lists names of repositories that the caller may pull.' },
        query: pageQuery,
        answers: [answer(200, 'A page.', linkHeader, json(z.object({ repositories: z.array(z.string()) })))],
        errors: ['page_invalid'],
      },
    },
  },
  extensions: {
    path: '/v2/_oci/ext/discover',
    calls: {
      GET: {
        ...{ operationId: 'listExtensions', summary: 'Lists extensions of the API, of which there are none.' },
        ...{ answers: [answer(200, 'None.', {}, json(z.object({ extensions: z.array(z.unknown()) })))], errors: [] },
      },
    },
  },
  manifest: {
    path: '/v2/{name}/manifests/{reference}',
    calls: {
      GET: {
        ...{ operationId: 'pullManifest', summary: 'Pulls a manifest by tag or digest, byte for byte.' },
        answers: [
          answer(200, 'The manifest, of the type it was pushed with.', digestHeader, manifestContent),
          answer(304, 'The client has it (`If-None-Match`).', digestHeader),
        ],
        errors: ['repository_unknown', 'manifest_unknown'],
      },
      PUT: {
        ...{ operationId: 'pushManifest', summary: 'Pushes a manifest under a tag or its digest.' },
        query: [
          inQuery('tag', 'With a digest in the path: a tag to move; may be there many times.', { type: 'string' }),
        ],
        body: { isRequired: true, content: manifestContent },
        answers: [answer(201, 'It is there.', { ...locationHeader, ...digestHeader })],
        errors: [
          ...['organization_unknown', 'repository_name_invalid', 'tag_invalid', 'tags_too_many', 'digest_invalid'],
          ...['manifest_invalid', 'manifest_reference_missing', 'body_too_large', 'precondition_failed'],
          ...['quota_exceeded', 'storage_full', 'read_only'],
        ] as ErrorCode[],
      },
      DELETE: {
        ...{ operationId: 'deleteManifest', summary: 'Deletes a tag, or by digest a manifest with its tags.' },
        answers: [answer(202, 'It is gone.', {})],
        errors: ['repository_unknown', 'manifest_unknown', 'deletion_disabled', 'precondition_failed', 'read_only'],
      },
    },
  },
  blob: {
    path: '/v2/{name}/blobs/{digest}',
    calls: {
      GET: {
        ...{ operationId: 'pullBlob', summary: 'Pulls a blob, whole or in parts (`Range`).' },
        answers: [
          answer(200, 'The blob.', digestHeader, anything),
          answer(206, 'Parts of it.', { ...digestHeader, 'content-range': 'Which.' }, anything),
          answer(304, 'The client has it (`If-None-Match`).', digestHeader),
          answer(416, 'It has no such part.', { 'content-range': 'How long it is.' }),
        ],
        errors: ['repository_unknown', 'blob_unknown'],
      },
      DELETE: {
        ...{ operationId: 'deleteBlob', summary: 'Takes a blob that no manifest names out of the repository.' },
        answers: [answer(202, 'It is gone.', {})],
        errors: ['repository_unknown', 'blob_unknown', 'blob_in_use', 'deletion_disabled', 'read_only'],
      },
    },
  },
  'upload-start': {
    path: '/v2/{name}/blobs/uploads/',
    calls: {
      POST: {
        ...{ operationId: 'startUpload', summary: 'Begins an upload, or takes a blob whole, or mounts one.' },
        query: [
          digestQuery,
          inQuery('mount', 'The digest of a blob to take from the repository `from`.', { type: 'string' }),
          inQuery('from', 'The repository to mount from.', { type: 'string' }),
          inQuery('digest-algorithm', 'The algorithm of the digest to come.', { enum: ['sha256', 'sha512'] }),
        ],
        body: { isRequired: false, content: anything },
        answers: [
          answer(201, 'The blob is there.', { ...locationHeader, ...digestHeader }),
          answer(202, 'The upload has begun.', { ...locationHeader, range: 'What is there: `0-0`.' }),
        ],
        errors: [
          ...['organization_unknown', 'repository_name_invalid', 'digest_invalid', 'quota_exceeded', 'storage_full'],
          'read_only',
        ] as ErrorCode[],
      },
    },
  },
  upload: {
    path: '/v2/{name}/blobs/uploads/{upload_id}',
    calls: {
      GET: {
        ...{ operationId: 'showUpload', summary: 'Says how far an upload is.' },
        answers: [answer(204, 'So far.', { ...locationHeader, range: 'What is there.' })],
        errors: ['upload_unknown'],
      },
      PATCH: {
        ...{ operationId: 'appendToUpload', summary: 'Appends to an upload.' },
        body: { isRequired: false, content: anything },
        answers: [answer(202, 'It is there.', { ...locationHeader, range: 'What is there.' })],
        errors: ['upload_unknown', 'upload_range_invalid', 'upload_busy', 'storage_full', 'read_only'],
      },
      PUT: {
        ...{ operationId: 'closeUpload', summary: 'Ends an upload, with or without the last bytes.' },
        query: [{ ...digestQuery, required: true }],
        body: { isRequired: false, content: anything },
        answers: [answer(201, 'The blob is there.', { ...locationHeader, ...digestHeader })],
        errors: [
          ...['upload_unknown', 'upload_range_invalid', 'upload_busy', 'digest_invalid', 'quota_exceeded'],
          ...['storage_full', 'read_only'],
        ] as ErrorCode[],
      },
      DELETE: {
        ...{ operationId: 'cancelUpload', summary: 'Gives up an upload.' },
        answers: [answer(204, 'It is gone.', {})],
        errors: ['upload_unknown', 'upload_busy', 'read_only'],
      },
    },
  },
  tags: {
    path: '/v2/{name}/tags/list',
    calls: {
      GET: {
        ...{ operationId: 'listTags', summary: 'Lists the tags of a repository.', query: pageQuery },
        answers: [answer(200, 'A page.', linkHeader, json(z.object({ name: z.string(), tags: z.array(z.string()) })))],
        errors: ['repository_unknown', 'page_invalid'],
      },
    },
  },
  referrers: {
    path: '/v2/{name}/referrers/{digest}',
    calls: {
      GET: {
        ...{ operationId: 'listReferrers', summary: 'Lists manifests whose subject is the digest, as an index.' },
        query: [inQuery('artifactType', 'Only those of this type.', { type: 'string' })],
        answers: [
          answer(200, 'An index.', linkHeader, { 'application/vnd.oci.image.index.v1+json': { type: 'object' } }),
        ],
        errors: ['repository_unknown'],
      },
    },
  },
}

function callOf(method: string, path: string, described: Described): ApiCall {
  const { operationId, summary, query = [], body, answers, errors } = described
  return {
    ...{ method, path, operationId, tag: 'Registry', summary },
    parameters: [...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => inPath(name)), ...query],
    ...(body && { body }),
    answers: [...answers, ...errorAnswers(path, errors, answers)],
    logins: ['bearer', 'basic', 'nobody'],
  }
}

/** Errors with a body, by status; one that an answer with its own description has is left to that. */
function errorAnswers(path: string, own: readonly ErrorCode[], described: readonly CallAnswer[]): CallAnswer[] {
  const always: ErrorCode[] = ['unauthenticated', 'scope_insufficient', 'denied', 'unavailable']
  const ofNames: ErrorCode[] = path.includes('{') ? ['organization_name_invalid', 'repository_unknown'] : []
  const wires = [...new Set([...always, ...ofNames, ...own])].map(wireOf)
  return [...Map.groupBy(wires, wire => wire.status)]
    .filter(([status]) => !described.some(answered => answered.status === status))
    .toSorted(([a], [b]) => a - b)
    .map(([status, ofStatus]) => {
      const codes = [...new Set(ofStatus.map(({ code }) => `\`${code}\``))]
      return answer(status, codes.join(', '), {}, json(errorsView))
    })
}

function wireOf(errorCode: ErrorCode): { status: number; code: string } {
  const [status, code] = ociErrors[errorCode]
  return { status, code }
}

function answer(status: number, description: string, headers: CallAnswer['headers'], content?: Content): CallAnswer {
  return { status, description, headers, ...(content && { content }) }
}

function inPath(name: string): Parameter {
  return { name, in: 'path', required: true, description: pathParts[name] ?? '', schema: { type: 'string' } }
}

function inQuery(name: string, description: string, schema: Parameter['schema']): Parameter {
  return { name, in: 'query', required: false, description, schema }
}

const pathParts: Readonly<Record<string, string>> = {
  name: 'Organization and repository, with real slashes: `group/app`.',
  reference: 'A tag or a digest.',
  digest: 'A digest, `sha256:` or `sha512:`.',
  upload_id: 'The id of an upload, from the `Location` of its begin.',
}
