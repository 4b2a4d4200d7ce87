import { expect, test } from 'bun:test'
import { openPasswords } from './passwords.ts'

const password = 'canary-password-4711'

test('hashes are argon2id with 9 MiB and four passes, salted anew each time', async () => {
  const passwords = openPasswords()
  const [one, other] = await Promise.all([passwords.hash(password), passwords.hash(password)])
  expect(one).toMatch(/^\$argon2id\$v=19\$m=9216,t=4,p=1\$/)
  expect(one).not.toBe(other)
})

test('a right password is remembered until the epoch moves on; a wrong one never counts', async () => {
  const passwords = openPasswords()
  const user = { id: 'u1', epoch: 1, passwordHash: await passwords.hash(password) }
  expect(await passwords.verify(user, 'wrong')).toBe(false)
  expect(await passwords.verify(user, password)).toBe(true)
  const startMs = performance.now()
  for (let number = 0; number < 1000; number++) expect(await passwords.verify(user, password)).toBe(true)
  expect(performance.now() - startMs).toBeLessThan(500)
  // The hash of another password under the next epoch: what is remembered must not answer.
  const changed = { ...user, epoch: 2, passwordHash: await passwords.hash('another') }
  expect(await passwords.verify(changed, password)).toBe(false)
  expect(await passwords.verify({ ...user, id: 'u2' }, 'wrong')).toBe(false)
})

test('an unknown user is refused after about the time that a known one takes', async () => {
  const passwords = openPasswords()
  const user = { id: 'u1', epoch: 1, passwordHash: await passwords.hash(password) }
  const timeOf = async (whom: typeof user | undefined) => {
    const times: number[] = []
    for (let number = 0; number < 5; number++) {
      const startMs = performance.now()
      expect(await passwords.verify(whom, `wrong ${number} ${whom?.id}`)).toBe(false)
      times.push(performance.now() - startMs)
    }
    return times.sort((a, b) => a - b)[2] ?? 0
  }
  const ratio = (await timeOf(user)) / (await timeOf(undefined))
  expect(ratio).toBeGreaterThan(0.3)
  expect(ratio).toBeLessThan(3)
})

test('a flood of guesses is refused beyond one at work and 64 waiting, and the password stays out of the error', async () => {
  const passwords = openPasswords()
  const user = { id: 'u1', epoch: 1, passwordHash: await passwords.hash(password) }
  const results = await Promise.allSettled(
    Array.from({ length: 80 }, (_, number) => passwords.verify(user, `${password} ${number}`)),
  )
  const refused = results.filter(result => result.status === 'rejected').map(result => result.reason)
  expect(refused).toHaveLength(80 - 65)
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'too_many_requests' })
    expect(`${error.message} ${error.stack}`).not.toMatch(/canary/)
  }
  expect(await passwords.verify(user, password)).toBe(true)
})

test('the same login many times at once is one check', async () => {
  const passwords = openPasswords()
  const user = { id: 'u1', epoch: 1, passwordHash: await passwords.hash(password) }
  const all = await Promise.all(Array.from({ length: 200 }, () => passwords.verify(user, password)))
  expect(all.every(isRight => isRight)).toBe(true)
})

test.each([[''], ['x'.repeat(1025)]])('a password of impossible length is refused', async given => {
  const passwords = openPasswords()
  expect(await passwords.verify({ id: 'u1', epoch: 1, passwordHash: await passwords.hash('x') }, given)).toBe(false)
})
