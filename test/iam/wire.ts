import { credentials, type TestServer } from '../server.ts'

/** Requests to the identity API of a test server. */
export type Wire = {
  ask: (token: string | undefined, call: string, body?: unknown) => Promise<WireAnswer>
  /** A token of a user of the first account, or of another; undefined where the login is refused. */
  logIn: (name: string, password: string, account?: string) => Promise<string | undefined>
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of the wire, which tests look into
export type WireAnswer = { status: number; headers: Headers; text: string; body: any }

export function wireOf(server: Pick<TestServer, 'url'>): Wire {
  const ask: Wire['ask'] = async (token, call, body) => {
    const [method = '', path = ''] = call.split(' ')
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { 'x-auth-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      // As Go's encoder ends a body.
      ...(body !== undefined && { body: `${JSON.stringify(body)}\n` }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  return {
    ask,
    logIn: async (name, password, account = credentials.account) => {
      const user = { name, password, domain: { name: account } }
      const auth = { identity: { methods: ['password'], password: { user } } }
      const { headers } = await ask(undefined, 'POST /v3/auth/tokens', { auth })
      return headers.get('x-subject-token') ?? undefined
    },
  }
}
