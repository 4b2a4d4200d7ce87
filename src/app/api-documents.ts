import packageJson from '../../package.json' with { type: 'json' }
import type { ErrorForm } from '../protocol/manage/envelope.ts'
import { type ApiCall, type Info, type OpenApiDocument, openApiDocument } from '../protocol/openapi/document.ts'
import { iamCalls, iamTags } from '../surfaces/iam/reference.ts'
import { manageCalls, manageTags } from '../surfaces/manage/reference.ts'
import { ociCalls, ociTags } from '../surfaces/oci/reference.ts'
import { tokenCalls, tokenTags } from '../surfaces/token/reference.ts'

/** What clients log in with, as OpenAPI's security schemes. */
const logins = {
  token: {
    ...{ type: 'apiKey', in: 'header', name: 'X-Auth-Token' },
    description: 'A token from `POST /v3/auth/tokens`.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'The name and password of a user, or those of an access key.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'A token from the docker token endpoint.' },
}

/** The management API with the calls that its clients make first: OpenAPI 3.1. */
export function managementDocument(errorForm: ErrorForm = 'object'): OpenApiDocument {
  return describe(
    {
      title: 'Stower: management API',
      description: 'SWR’s management API, the calls of Keystone, and the token endpoint of docker.',
      tags: { ...manageTags, ...iamTags, ...tokenTags },
      logins: { token: logins.token, basic: logins.basic },
    },
    [...manageCalls(errorForm), ...iamCalls(), ...tokenCalls()],
  )
}

/** The registry API. */
export function registryDocument(): OpenApiDocument {
  return describe(
    {
      title: 'Stower: registry API',
      description: 'The distribution protocol of OCI, which docker, podman, skopeo and their kin speak.',
      tags: ociTags,
      logins: { bearer: logins.bearer, basic: logins.basic },
    },
    ociCalls(),
  )
}

function describe(info: Omit<Info, 'version'>, calls: readonly ApiCall[]): OpenApiDocument {
  return openApiDocument({ ...info, version: packageJson.version }, calls)
}
