import type { z } from 'zod'
import type { TemporaryKeyDeps } from '../../core/accounts/temporary-keys.ts'
import type { BlobReader } from '../../core/blobs/read.ts'
import type { Requester, UserCaller } from '../../core/caller.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Deps } from '../../core/organizations/deps.ts'
import type { Exchange } from '../../http/exchange.ts'
import { type Done, doneView } from '../../protocol/manage/done.ts'
import type { FailureCode } from '../../protocol/manage/error-codes.ts'

/** What operations work with. `loginLifeMs`: how long a docker login that is handed out lasts at most. */
export type ManageDeps = Deps &
  TemporaryKeyDeps & { blobReader: BlobReader; region: string; loginLifeMs: number; limits: { bodyBytes: number } }

/**
 * One call of the management API: what it is for the server, and all that the API reference says of it. `operation`
 * makes one, so that its body and its answer have the types of the schemas it declares.
 */
export type Operation<Body = unknown, View = unknown> = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Of the API; the second unless it is given. */
  version?: 'v3'
  /** Below `/v2/manage`, or `/v3/manage`; names stand as `:organization` and `:repository`. */
  path: string
  /** Another path of it, whole. */
  alias?: string
  /** The path is another spelling of that of an operation with the same name. */
  isAlias?: boolean
  /** What SDKs call it (SWR API), e.g. `createNamespace`. */
  name: string
  /** A sentence for the API reference. */
  summary: string
  /** What the access line and the metrics call it. */
  route: string
  /** What its permissions are of; the same error has another code on each. */
  on: 'organization' | 'repository'
  /** SWR's code for a failure of ours (SWR API, "Error Codes"). */
  failureCode: FailureCode
  /** Its parameters in the query. */
  query?: z.ZodObject
  /** Those of them that may stand in `filter=key::value|key::value`, too. */
  filter?: readonly string[]
  body?: BodyDeclaration<Body>
  answer: Success<View>
  /** Errors besides those that `errorsOf` derives from path, query and body. */
  errors: readonly ErrorCode[]
  run(deps: ManageDeps, call: Call<Body>): Promise<Answer<View>>
}

/** `form`: taken as a form, too; text `true` and `false` of its `booleans` are booleans. */
export type BodyDeclaration<Body> = { schema: z.ZodType<Body>; form?: { booleans: readonly string[] } }

/** What is answered when all went well. `headers`: what each says. No `view`, no body. */
export type Success<View> = {
  status: 200 | 201 | 204
  view: z.ZodType<View> | undefined
  headers: Readonly<Record<string, string>>
}

/** One request to an operation, its caller proved. */
export type Call<Body = unknown> = {
  by: Requester & { caller: UserCaller }
  exchange: Exchange
  /** Parts of the path by name, decoded once. */
  path: Readonly<Record<string, string>>
  /** The body by its schema. Throws what `parseFields` throws, and where it is none of the declared types. */
  readBody: () => Promise<Body>
}

/** What an operation answers, before it is bytes; `text` is the view's JSON that was made by the operation itself. */
export type Answer<View = unknown> = ({ view: View } | { text: JsonText }) & {
  headers: Readonly<Record<string, string>>
}

/** JSON as text, or a piece at a time where the whole may be too long for memory. */
export type JsonText = string | ReadableStream<Uint8Array>

/** The whole path of an operation. */
export function pathOf({ version, path }: Pick<Operation, 'version' | 'path'>): string {
  return `/${version ?? 'v2'}/manage${path}`
}

/** Declares an operation. */
export function operation<Body, View>(declared: Operation<Body, View>): Operation {
  return declared as Operation
}

/** A POST or PATCH that was done: Terraform decodes the body, so there is one. */
export const isDone: Success<Done> = { status: 201, view: doneView, headers: {} }
export const done: Answer<Done> = { view: {}, headers: {} }

/** A DELETE that was done. */
export const isGone: Success<undefined> = { status: 204, view: undefined, headers: {} }
export const gone: Answer<undefined> = { view: undefined, headers: {} }

/** What was asked for; `headers` says what each of its own headers means. */
export function shows<View extends object>(
  view: z.ZodType<View>,
  headers: Readonly<Record<string, string>> = {},
): Success<View> {
  return { status: 200, view, headers }
}

export function shown<View extends object>(view: View, headers: Readonly<Record<string, string>> = {}): Answer<View> {
  return { view, headers }
}

/** What was asked for, as text. */
export function shownText(text: JsonText, headers: Readonly<Record<string, string>> = {}): Answer<never> {
  return { text, headers }
}
