import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemStore } from '../../src/blobstore/filesystem.ts'
import { openAccess } from '../../src/core/access/access.ts'
import { insertAccount, insertUser, type User } from '../../src/core/accounts/queries.ts'
import { openBlobReader } from '../../src/core/blobs/read.ts'
import { type Answered, serveHttp } from '../../src/http/serve.ts'
import { openIdentity } from '../../src/identity/identity.ts'
import { openPasswords } from '../../src/identity/passwords.ts'
import { sealerOf } from '../../src/identity/sealing.ts'
import type { Role } from '../../src/protocol/iam/roles.ts'
import { openManageSurface } from '../../src/surfaces/manage/surface.ts'
import type { TestDatabase } from '../databases.ts'
import { watchAnswers } from './declared-answers.ts'

export const baseUrl = 'https://swr.example.org'
export const bodyLimitBytes = 1 << 20

/** A user with a token that counts. */
export type TestUser = User & { token: string }

/** `isAdministrator` is short for the role `te_admin`; without either it is `SWR OperateAccess`. */
type UserOptions = { account?: string; isAdministrator?: boolean; role?: Role }

export type ManageServer = Awaited<ReturnType<typeof startManageServer>>

/** The management API alone behind a real socket, over a fresh database. */
export async function startManageServer(open: () => Promise<TestDatabase>, { tokenLifeMs = 24 * 3_600_000 } = {}) {
  const opened = await open()
  const { db } = opened
  let passedMs = 0
  const clock = {
    nowMs: () => Date.now() + passedMs,
    passMs: (ms: number) => {
      passedMs += ms
    },
  }
  const sealer = sealerOf('a key of the tests')
  const identity = openIdentity({
    ...{ db, clock, sealer, passwords: openPasswords() },
    tokens: { keystoneLifeMs: tokenLifeMs, dockerLifeMs: 900_000 },
    logins: { mostFailures: 10, refusedForMs: 1_800_000 },
  })
  const watch = watchAnswers()
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-manage-'))
  const store = await openFilesystemStore({ dataDir })
  const surface = openManageSurface({
    ...{
      db,
      clock,
      identity,
      sealer,
      access: openAccess({ db, clock }),
      region: 'eu-de',
      blobReader: openBlobReader({ db, store, clock }),
    },
    loginLifeMs: 24 * 3_600_000,
    limits: { bodyBytes: bodyLimitBytes },
    errorForm: 'object',
    onAnswer: watch.onAnswer,
  })
  const answered: Answered[] = []
  const server = serveHttp({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    forwarded: peer => ({ sourceAddress: peer, proto: undefined, host: undefined }),
    baseUrl: () => baseUrl,
    surfaceFor: () => surface,
    onAnswered: answer => answered.push(answer),
    bodyIdleMs: 10_000,
    connectionIdleMs: 120_000,
  })
  const accounts = new Map<string, string>()

  /** The id of an account, made when it is asked for the first time. */
  async function accountId(name: string): Promise<string> {
    const known = accounts.get(name)
    if (known !== undefined) return known
    const id = randomBytes(16).toString('hex')
    accounts.set(name, id)
    await db.write(tx => insertAccount(tx, { id, name, created_ms: clock.nowMs() }))
    return id
  }

  return {
    db,
    url: server.url,
    clock,
    /** What the access line was given, in order. */
    answered,
    /** A user in the account `OTC000` or another, with a token. No password fits. */
    addUser: async (name: string, options: UserOptions = {}): Promise<TestUser> => {
      const { account = 'OTC000', isAdministrator = false } = options
      const role = options.role ?? (isAdministrator ? 'te_admin' : 'SWR OperateAccess')
      const user: User = {
        id: randomBytes(16).toString('hex'),
        accountId: await accountId(account),
        accountName: account,
        name,
        role,
        isEnabled: true,
        accessMode: 'default',
        epoch: 1,
        createdMs: clock.nowMs(),
      }
      await db.write(tx =>
        insertUser(tx, {
          ...{ id: user.id, account_id: user.accountId, name, password_hash: '', epoch: 1 },
          ...{ role, is_enabled: 1, created_ms: user.createdMs },
        }),
      )
      const { token } = await identity.keystone.issue(user, { kind: 'none' })
      return { ...user, token }
    },
    /**
     * A call such as `POST /v2/manage/namespaces` by a user, or without any proof. Text, bytes and forms are sent as they
     * are, everything else as JSON.
     */
    ask: async (user: TestUser | undefined, call: string, body?: unknown, headers: Record<string, string> = {}) => {
      const [method = '', path = ''] = call.split(' ')
      const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(user && { 'x-auth-token': user.token }),
          ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const parsed = text === '' ? undefined : JSON.parse(text)
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: parsed,
        /** The number in SWR's code of an error, e.g. `4040058`. */
        code: codeOf(parsed),
        detail: parsed?.errors?.[0]?.detail as string | undefined,
      }
    },
    /** Throws where an answer was not what its operation declares. */
    stop: async () => {
      await server.stop(1000)
      await store[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
      await opened.dispose()
      watch.assertKept()
    },
  }
}

function codeOf(body: { error_code?: unknown } | undefined): string | undefined {
  return typeof body?.error_code === 'string' ? body.error_code.replace(/^SVCSTG\.(SWR|S2I)\./, '') : undefined
}
