import type { Requester, UserCaller } from '../../core/caller.ts'
import type { Deps } from '../../core/organizations/deps.ts'
import type { Exchange } from '../../http/exchange.ts'

/** What operations work with. */
export type ManageDeps = Deps & { limits: { bodyBytes: number } }

/** One call of the management API. */
export type Operation = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Of the API; the second unless it is given. */
  version?: 'v3'
  /** Below `/v2/manage`, or `/v3/manage`; names stand as `:organization` and `:repository`. */
  path: string
  /** Another path of it, whole. */
  alias?: string
  /** What the access line and the metrics call it. */
  route: string
  /** What its permissions are of; the same error has another code on each. */
  on: 'organization' | 'repository'
  /** SWR's code for a failure of ours (SWR API, "Error Codes"). */
  failureCode: string
  run: (deps: ManageDeps, call: Call) => Promise<Answer>
}

/** One request to an operation, its caller proved. */
export type Call = {
  by: Requester & { caller: UserCaller }
  exchange: Exchange
  /** Parts of the path by name, decoded once. */
  path: Readonly<Record<string, string>>
}

export type Answer = { status: number; body: string | undefined; headers: Readonly<Record<string, string>> }

/** The whole path of an operation. */
export function pathOf({ version, path }: Pick<Operation, 'version' | 'path'>): string {
  return `/${version ?? 'v2'}/manage${path}`
}

/** The answer to a POST or PATCH that was done: Terraform decodes the body, so there is one. */
export const done: Answer = { status: 201, body: '{}', headers: { 'content-type': 'application/json' } }

/** The answer to a DELETE that was done. */
export const gone: Answer = { status: 204, body: undefined, headers: {} }

/** What was asked for. `View` is the schema's type, so that no answer leaves a field out. */
export function shown<View extends object>(view: View, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, body: JSON.stringify(view), headers: { 'content-type': 'application/json', ...headers } }
}
