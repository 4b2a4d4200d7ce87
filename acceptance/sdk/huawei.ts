import { createRequire } from 'node:module'
import { credentials } from '../program.ts'

/**
 * Huawei's own SDK for Node, as npm has it. It is loaded when a test asks for it: it brings a hundred files along, and its
 * module of types is not one that this compiler takes.
 */
export type HuaweiSdk = {
  /** Names of the operations it has. */
  operations: readonly string[]
  /** Calls an operation; `fields` are the request's, and `body` the fields of its body. */
  call: (operation: string, fields?: Fields) => Promise<Answered>
  /** Sends a request of an operation that it lacks, in the same way. */
  send: (method: string, path: string, request?: { query?: object; body?: object }) => Promise<Answered>
}

type Fields = { body?: unknown; [field: string]: unknown }

/** `headers` and `status` are where the SDK puts them; errors are thrown with `httpStatusCode` and `errorCode`. */
export type Answered = { httpStatusCode: number; [field: string]: unknown }

/** How it proves who calls. */
export type Proof =
  | { kind: 'token'; token: string; projectId: string }
  | { kind: 'access key'; projectId: string }
  | { kind: 'derived access key'; projectId: string }
  | { kind: 'temporary access key'; projectId: string; key: { access: string; secret: string; securitytoken: string } }

type Loaded = Record<string, new (...args: unknown[]) => Record<string, (...args: unknown[]) => unknown>>

/** Opens the SDK against a server. */
export function openHuaweiSdk(url: string, proof: Proof): HuaweiSdk {
  const require = createRequire(import.meta.url)
  const core: Loaded = require('@huaweicloud/huaweicloud-sdk-core')
  const swr: Loaded = require('@huaweicloud/huaweicloud-sdk-swr/v2/public-api')
  silence(require.resolve('@huaweicloud/huaweicloud-sdk-core'))
  const client = build(core, swr, url, proof)
  const http = client.hcClient
  if (!http) throw new Error('the SDK has no client of its own any more')
  return {
    operations: Object.getOwnPropertyNames(swr.SwrClient?.prototype).filter(name => `${pascal(name)}Request` in swr),
    call: async (operation, fields = {}) => {
      const Request = swr[`${pascal(operation)}Request`]
      if (!Request) throw new Error(`the SDK has no ${operation}`)
      const request = Object.assign(new Request(), fields, { body: bodyOf(swr, operation, fields.body) })
      return (await client[operation]?.(request)) as Answered
    },
    send: async (method, path, { query = {}, body } = {}) =>
      // The package declares neither this method nor its answer.
      (await (http as unknown as Http).sendRequest({
        ...{ method, url: path, contentType: 'application/json', queryParams: query, pathParams: {} },
        ...{ headers: { 'content-type': 'application/json' }, ...(body && { data: body }) },
      })) as Answered,
  }
}

/** It writes every answer to the terminal. */
function silence(core: string): void {
  const { getLogger } = createRequire(core)('log4js') as { getLogger: () => { level: string } }
  getLogger().level = 'off'
}

type Http = { sendRequest: (options: object) => Promise<unknown> }

function build(core: Loaded, swr: Loaded, url: string, proof: Proof) {
  // Loaded by name at run time, so TypeScript knows nothing of it.
  const { SwrClient } = swr as unknown as { SwrClient: { newBuilder: () => Builder } }
  const builder = SwrClient.newBuilder().withEndpoint(url).withCredential(credentialOf(core, proof))
  return builder.build()
}

type Builder = {
  withEndpoint: (url: string) => Builder
  withCredential: (credential: unknown) => Builder
  build: () => Record<string, (request: object) => unknown>
}

function credentialOf(core: Loaded, proof: Proof): unknown {
  const { BasicCredentials } = core
  if (!BasicCredentials) throw new Error('the SDK has no BasicCredentials')
  const { accessKey, secretKey } = credentials
  const own = { ak: accessKey, sk: secretKey, projectId: proof.projectId }
  switch (proof.kind) {
    case 'access key':
      return new BasicCredentials(own)
    case 'derived access key':
      return new BasicCredentials({
        ...own,
        ...{ regionId: 'eu-de', derivedAuthServiceName: 'swr', derivedPredicate: () => true },
      })
    case 'temporary access key': {
      const { access, secret, securitytoken } = proof.key
      return new BasicCredentials({ ...own, ak: access, sk: secret, securityToken: securitytoken })
    }
    case 'token':
      return withToken(new BasicCredentials(own), proof.token)
  }
}

/** As the SDK's own, but for the headers: it has no class for tokens in this language. */
function withToken(credential: object, token: string): object {
  return Object.assign(credential, {
    processAuthRequest: async (_client: unknown, request: TokenRequest) => {
      const url = request.url.replace('{project_id}', String(Reflect.get(credential, 'projectId')))
      return Object.assign(request, {
        ...{ url, endpoint: `${request.endpoint}${url}` },
        headers: { ...request.headers, 'X-Auth-Token': token },
      })
    },
  })
}

type TokenRequest = { url: string; endpoint: string; headers: Record<string, string> }

/** Objects of the SDK's models, where the operation has one for its body. */
function bodyOf(swr: Loaded, operation: string, fields: unknown): unknown {
  const Body = swr[`${pascal(operation)}RequestBody`]
  return Body === undefined || Array.isArray(fields) ? fields : Object.assign(new Body(), fields)
}

function pascal(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`
}
