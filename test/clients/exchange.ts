import { expect } from 'bun:test'

/**
 * One request as a client sends it, and what it accepts as an answer. In `call`, `body` and `shows` stand `{user_id}`,
 * `{project_id}` and the like for what differs from server to server.
 */
export type Exchange = {
  call: string
  /** As it goes over the wire. */
  body?: string
  /** Besides those that the client always sends. */
  headers?: Readonly<Record<string, string>>
  status: number
  /** Fields that the answer has at least; of a bare array its first entries. */
  shows?: unknown
  /** The whole body as text. */
  text?: string
  /** Headers of the answer. */
  answers?: Readonly<Record<string, string>>
}

/** What a client does from its first call to its last. */
export type ClientSequence = {
  client: string
  /** Put before every path. */
  prefix: string
  /** Sent with every request that has no body, and with those that have one. */
  headers: { always: Readonly<Record<string, string>>; withBody: Readonly<Record<string, string>> }
  exchanges: readonly Exchange[]
}

export type Filled = Readonly<Record<string, string>>

/** Headers that prove who calls, besides those that the sequence has. */
export type Prove = (request: { method: string; path: string; headers: Record<string, string>; body: string }) => Filled

/** Sends one exchange and holds its answer against what the client expects. */
export async function exchange(
  url: string,
  { prefix, headers }: Pick<ClientSequence, 'prefix' | 'headers'>,
  expected: Exchange,
  filled: Filled,
  prove: Prove = () => ({}),
): Promise<void> {
  const { call, body, status, shows, text, answers = {} } = fill(expected, filled)
  const [method = '', path = ''] = call.split(' ')
  const own = {
    ...headers.always,
    ...(body !== undefined && headers.withBody),
    ...fill(expected.headers ?? {}, filled),
  }
  const proof = prove({ method, path: `${prefix}${path}`, headers: own, body: body ?? '' })
  const response = await fetch(`${url}${prefix}${path}`, {
    method,
    headers: { ...own, ...proof },
    ...(body !== undefined && { body }),
    redirect: 'manual',
  })
  const received = await response.text()
  expect([call, response.status, response.status === status ? '' : received]).toEqual([call, status, ''])
  if (text !== undefined) expect([call, received]).toEqual([call, text])
  if (shows !== undefined) expect({ [call]: asObject(JSON.parse(received)) }).toMatchObject({ [call]: asObject(shows) })
  for (const [name, value] of Object.entries(answers)) expect([name, response.headers.get(name)]).toEqual([name, value])
}

/** Entries by their place: of a list only those are compared that are named. */
function asObject(value: unknown): object {
  return Array.isArray(value) ? { ...value, length: value.length } : (value as object)
}

function fill<T>(value: T, filled: Filled): T {
  return JSON.parse(JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole))
}
