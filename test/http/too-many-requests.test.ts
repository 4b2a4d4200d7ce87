import { afterAll, beforeAll, expect, test } from 'bun:test'
import { credentials, startTestServer, type TestServer } from '../server.ts'

let server: TestServer
/** More than may wait, and they take seconds: meanwhile every surface refuses. */
let flood: Promise<Response>[]

beforeAll(async () => {
  server = await startTestServer('sqlite', { STOWER_LOGINS_MOST_FAILURES: '1000000' })
  flood = Array.from({ length: 100 }, (_, number) =>
    fetch(`${server.url}/v2/`, { headers: basic(`wrong from the start ${number}`) }),
  )
  // Those that may wait are answered later than those that may not.
  expect((await Promise.race(flood)).status).toBe(429)
})
afterAll(async () => {
  await Promise.all(flood)
  await server.stop()
})

const basic = (password: string) => ({ authorization: `Basic ${btoa(`${credentials.user}:${password}`)}` })

/** A login with a password, which takes long to check, on every surface that takes one. */
const logins: [surface: string, says: RegExp, logIn: (password: string) => Promise<Response>][] = [
  ['the registry API', /TOOMANYREQUESTS/, password => fetch(`${server.url}/v2/`, { headers: basic(password) })],
  [
    'the token endpoint',
    /TOOMANYREQUESTS/,
    password => fetch(`${server.url}/swr/auth/v2/registry/auth/?service=dockyard`, { headers: basic(password) }),
  ],
  [
    'the identity API',
    /Too Many Requests/,
    password =>
      fetch(`${server.url}/v3/auth/tokens`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: credentials.user, password, domain: { name: credentials.account } } },
            },
          },
        }),
      }),
  ],
]

test.concurrent.each(logins)(
  'too many logins at once on %s are told when to come back',
  async (_surface, says, logIn) => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => logIn(`wrong ${number}`)))
    const refused = answers.filter(answer => answer.status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(answers.filter(answer => answer.status !== 429 && answer.status !== 401)).toEqual([])
    for (const answer of refused) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(await answer.text()).toMatch(says)
    }
  },
)
