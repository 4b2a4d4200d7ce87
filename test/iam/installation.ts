import { type Access, openAccess } from '../../src/core/access/access.ts'
import { createAccount, getAccount } from '../../src/core/accounts/accounts.ts'
import type { AccountsDeps } from '../../src/core/accounts/deps.ts'
import { type InitialCredentials, prepareInstallation } from '../../src/core/accounts/first-start.ts'
import { findUser, type User } from '../../src/core/accounts/queries.ts'
import { createUser } from '../../src/core/accounts/users.ts'
import { anonymous, type Requester } from '../../src/core/caller.ts'
import type { Exchange, Surface } from '../../src/http/exchange.ts'
import { type Identity, openIdentity } from '../../src/identity/identity.ts'
import { openPasswords } from '../../src/identity/passwords.ts'
import { sealerOf } from '../../src/identity/sealing.ts'
import type { ReceivedRequest } from '../../src/protocol/auth/signing/received-request.ts'
import { openIamSurface } from '../../src/surfaces/iam/surface.ts'
import { openTokenSurface } from '../../src/surfaces/token/surface.ts'
import type { TestDatabase } from '../databases.ts'

/** Nobody's change from nowhere, for what a test prepares. */
export const requester: Requester = { caller: anonymous, origin: { requestId: 'test', sourceAddress: '127.0.0.1' } }

export const baseUrl = 'http://registry.test:8080'

/** Words that must never leave in an error, a log field or an event. */
export const secrets = { password: 'canary-password-4711', secretKey: 'canarySecretKey4711canarySecretKey4711ca' }

/** An installation without its server: a store, a clock that tests move, identity, and the surfaces on top. */
export type TestInstallation = AccountsDeps & {
  opened: TestDatabase
  clock: { nowMs: () => number; passMs: (ms: number) => void }
  access: Access
  identity: Identity
  credentials: InitialCredentials
  administrator: User
  iam: Surface
  token: Surface
  /** A second identity on the same store, as another replica has it. */
  openReplica: () => Identity
}

export async function openTestInstallation(open: () => Promise<TestDatabase>): Promise<TestInstallation> {
  const opened = await open()
  let passedMs = 0
  const clock = {
    nowMs: () => Date.now() + passedMs,
    passMs: (ms: number) => {
      passedMs += ms
    },
  }
  const deps = { db: opened.db, clock, sealer: sealerOf('a key of the tests'), passwords: openPasswords() }
  const choices = { account: 'OTC000', project: 'eu-de', user: 'user1', accessKey: 'AKTESTTESTTESTTEST01', ...secrets }
  const credentials = await prepareInstallation(deps, choices, 'local')
  if (!credentials) throw new Error('the store was not empty')
  const account = await getAccount(deps)
  const administrator = await findUser(opened.db.read, account.id, { name: 'user1' })
  if (!administrator) throw new Error('the first start made no administrator')
  const access = openAccess(deps)
  const openReplica = () =>
    openIdentity({
      ...deps,
      tokens: { keystoneLifeMs: 24 * 3_600_000, dockerLifeMs: 900_000 },
      logins: { mostFailures: 10, refusedForMs: 1_800_000 },
    })
  const identity = openReplica()
  return {
    ...deps,
    opened,
    access,
    identity,
    credentials,
    administrator,
    iam: openIamSurface({ ...deps, access, identity, region: 'eu-de', limits: { bodyBytes: 1 << 20 } }),
    token: openTokenSurface({ access, identity }),
    openReplica,
  }
}

/** A user without rights in the first account. */
export async function addUser(installation: TestInstallation, name: string, password: string): Promise<User> {
  const account = await getAccount(installation, 'OTC000')
  return (await createUser(installation, requester, { account, name, password, role: 'SWR OperateAccess' })).user
}

/** Another account, with an administrator of its own. */
export async function addAccount(installation: TestInstallation, name: string, password: string): Promise<User> {
  const { account } = await createAccount(installation, requester, { name, projectName: 'eu-de' })
  return (await createUser(installation, requester, { account, name: 'user1', password, role: 'te_admin' })).user
}

/** One request to a surface; answers the response and what the access line would say. */
export async function ask(surface: Surface, path: string, init: RequestInit = {}) {
  const url = new URL(path, baseUrl)
  const exchange: Exchange = {
    request: new Request(url.href, init),
    url,
    origin: { requestId: 'request-1', sourceAddress: '127.0.0.1' },
    isSecure: false,
    hosts: [url.host],
    baseUrl,
    signal: new AbortController().signal,
    bodyWatch: { moved: () => {}, over: () => {} },
    log: { route: '' },
  }
  const response = await surface(exchange)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parse(text), log: exchange.log }
}

/** A request for a management call, as identity is given one. */
export function received(headers: Record<string, string>): ReceivedRequest {
  return {
    ...{ method: 'GET', path: '/v2/manage/namespaces', query: '', headers: new Headers(headers) },
    ...{ hosts: [new URL(baseUrl).host], isSecure: false, body: async () => new Uint8Array() },
  }
}

export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

function parse(text: string) {
  return text === '' ? undefined : JSON.parse(text)
}
