import { z } from 'zod'
import { dockerService, tokenPath } from '../../protocol/auth/token-endpoint.ts'
import { errorsView } from '../../protocol/oci/errors-view.ts'
import type { ApiCall } from '../../protocol/openapi/document.ts'
import { jsonSchemaOf } from '../../protocol/openapi/json-schema.ts'

/** The body of a token, under both names that clients look for. */
export const dockerTokenView = z.object({
  token: z.string(),
  access_token: z.string(),
  expires_in: z.int().describe('Seconds.'),
  issued_at: z.iso.datetime(),
})

/** The docker token endpoint, for the documents of the API. */
export function tokenCalls(): ApiCall[] {
  const json = (view: z.ZodType) => ({ 'application/json': jsonSchemaOf(view, 'shown') })
  return [
    {
      method: 'GET',
      path: tokenPath,
      operationId: 'getDockerToken',
      tag: 'Docker tokens',
      summary: 'Gives a token for the registry, with the part of the scopes that the caller may have.',
      parameters: [
        {
          ...{ name: 'service', in: 'query', required: false },
          description: 'The registry, which has one name.',
          schema: { enum: [dockerService] },
        },
        {
          ...{ name: 'scope', in: 'query', required: false },
          description: 'What the token is for, `repository:group/app:pull,push`; may be there many times.',
          schema: { type: 'string' },
        },
      ],
      answers: [
        { status: 200, description: 'A token.', headers: {}, content: json(dockerTokenView) },
        { status: 400, description: 'The service is another.', headers: {}, content: json(errorsView) },
        { status: 401, description: 'The login is wrong.', headers: {}, content: json(errorsView) },
        {
          status: 403,
          description: 'Logins of this name or address are locked.',
          headers: {},
          content: json(errorsView),
        },
        { status: 429, description: 'Too many logins at once.', headers: {}, content: json(errorsView) },
        { status: 500, description: 'Something broke.', headers: {}, content: json(errorsView) },
        { status: 503, description: 'Something is not there.', headers: {}, content: json(errorsView) },
      ],
      logins: ['basic', 'nobody'],
    },
  ]
}

export const tokenTags = { 'Docker tokens': 'Where docker and its kin get their tokens for the registry.' }
