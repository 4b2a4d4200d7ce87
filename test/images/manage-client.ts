import { managementToken, type TestServer } from '../server.ts'

export type ManageAnswer = {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it
  body: any
  /** The number in SWR's code of an error, e.g. `4040058`. */
  code: string | undefined
}

/** A call such as `GET /group/repos/app/tags` below the organizations of the management API, by the administrator. */
export async function manage(
  server: Pick<TestServer, 'url'>,
  call: string,
  body?: unknown,
  { api = 'v2' }: { api?: 'v2' | 'v3' } = {},
): Promise<ManageAnswer> {
  const [method = '', path = ''] = call.split(' ')
  const response = await fetch(`${server.url}/${api}/manage/namespaces${path}`, {
    method,
    headers: { 'x-auth-token': await managementToken(server), 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const parsed = text === '' ? undefined : JSON.parse(text)
  const code = parsed?.error_code?.replace(/^SVCSTG\.SWR\./, '')
  return { status: response.status, headers: response.headers, text, body: parsed, code }
}
