import { expect, test } from 'bun:test'
import type { UserCaller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { rememberLogins } from './remembered-logins.ts'

const login = { name: 'ci', password: 'canary-password-4711', sourceAddress: '127.0.0.1' }

/** Accounts of one user whose epoch and database version the test moves. */
function open({ version = 1 as number | undefined } = {}) {
  const state = {
    version,
    epoch: 1,
    password: login.password,
    proofs: 0,
    isRefused: false,
    nowMs: 0,
    endsMs: undefined as number | undefined,
  }
  const logIn = async ({ name, password }: typeof login): Promise<UserCaller> => {
    state.proofs++
    if (password !== state.password) throw new DomainError('credentials_invalid', 'wrong')
    return {
      kind: 'user',
      userId: name,
      userName: name,
      accountId: 'a',
      accountName: 'account',
      userEpoch: state.epoch,
      ...(state.endsMs !== undefined && { expiresMs: state.endsMs }),
    }
  }
  const deps = { db: { version: () => state.version }, clock: { nowMs: () => state.nowMs } }
  return { state, prove: rememberLogins(deps, logIn, () => state.isRefused) }
}

test('a login is proved once while nothing is committed, and answers without waiting', async () => {
  const { state, prove } = open()
  const first = await prove(login)
  expect(prove(login)).toBe(first)
  expect(state.proofs).toBe(1)
})

test('after a commit it is proved anew, and is the same object as long as the epoch stands', async () => {
  const { state, prove } = open()
  const first = await prove(login)
  state.version = 2
  expect(await prove(login)).toBe(first)
  expect(state.proofs).toBe(2)
  Object.assign(state, { version: 3, epoch: 2 })
  expect(await prove(login)).toMatchObject({ userEpoch: 2 })
})

test('a password that was changed is refused with the commit that changed it', async () => {
  const { state, prove } = open()
  await prove(login)
  Object.assign(state, { version: 2, password: 'another' })
  await expect(prove(login)).rejects.toThrow('wrong')
  state.version = 3
  await expect(prove(login)).rejects.toThrow('wrong')
})

test('a commit beside the proof makes the next request look again', async () => {
  const { state, prove } = open()
  const proving = prove(login)
  state.version = 2
  await proving
  await prove(login)
  expect(state.proofs).toBe(2)
})

test('where no version tells of commits every request is proved', async () => {
  const { state, prove } = open({ version: undefined })
  state.version = undefined
  await prove(login)
  await prove(login)
  expect(state.proofs).toBe(2)
})

test('names and passwords that are alike when put together are told apart', async () => {
  const { state, prove } = open()
  await prove({ ...login, name: 'a' })
  state.password = `a${login.password}`.slice(2)
  expect(await prove({ ...login, name: `a${login.password[0]}`, password: state.password })).toMatchObject({
    userId: `a${login.password[0]}`,
  })
})

test('one that is refused meanwhile is proved anew, and so is the same from another address', async () => {
  const { state, prove } = open()
  await prove(login)
  await prove({ ...login, sourceAddress: '192.0.2.1' })
  expect(state.proofs).toBe(2)
  await prove(login)
  expect(state.proofs).toBe(2)
  state.isRefused = true
  await prove(login)
  expect(state.proofs).toBe(3)
})

test('a login with an end is remembered until then and not a moment longer', async () => {
  const { state, prove } = open()
  state.endsMs = 1000
  await prove(login)
  state.nowMs = 999
  await prove(login)
  expect(state.proofs).toBe(1)
  Object.assign(state, { nowMs: 1000, password: 'gone' })
  await expect(prove(login)).rejects.toThrow('wrong')
  expect(state.proofs).toBe(2)
})
