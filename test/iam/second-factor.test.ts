import { afterAll, beforeAll, expect, test } from 'bun:test'
import { deriveLoginKey } from '../../src/protocol/auth/login-key.ts'
import { totpCode, totpStepAt } from '../../src/protocol/auth/totp.ts'
import { stower } from '../cli/command-line.ts'
import { registryClient } from '../oci/registry-client.ts'
import { addPerson } from '../people.ts'
import { credentials, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type Wire, type WireAnswer, wireOf } from './wire.ts'

const stepMs = 30_000

describeServers('logins with a second factor', engine => {
  let server: TestServer
  let wire: Wire
  let admin: string
  // The beginning of a step, which tests move on.
  let nowMs = totpStepAt(Date.now()) * stepMs
  beforeAll(async () => {
    server = await startTestServer(engine, {}, { clock: { nowMs: () => nowMs } })
    wire = wireOf(server)
    admin = (await wire.logIn(credentials.user, credentials.password)) ?? ''
  })
  afterAll(() => server.stop())

  type Owner = { id: string; name: string; password: string; seed: string; secret: Uint8Array; serial: string }

  const codeOf = ({ secret }: Owner, shift = 0) => totpCode(secret, totpStepAt(nowMs) + shift)
  const logIn = (owner: Owner, passcode: string, totp: object = { id: owner.id }): Promise<WireAnswer> => {
    const user = { id: owner.id, password: owner.password }
    const identity = { methods: ['password', 'totp'], password: { user }, totp: { user: { ...totp, passcode } } }
    return wire.ask(undefined, 'POST /v3/auth/tokens', { auth: { identity } })
  }
  const tokenOf = async (owner: Owner) => {
    nowMs += stepMs
    const answer = await logIn(owner, codeOf(owner))
    expect(answer.status).toBe(201)
    return answer.headers.get('x-subject-token') ?? ''
  }
  const bind = (token: string, owner: Owner, [first, second]: readonly [string, string]) =>
    wire.ask(token, 'PUT /v3.0/OS-MFA/mfa-devices/bind', {
      user_id: owner.id,
      serial_number: owner.serial,
      authentication_code_first: first,
      authentication_code_second: second,
    })
  const unbind = (token: string, owner: Owner, code: string) =>
    wire.ask(token, 'PUT /v3.0/OS-MFA/mfa-devices/unbind', {
      user_id: owner.id,
      serial_number: owner.serial,
      authentication_code: code,
    })
  const dockerStatus = async (name: string, password: string) => {
    const authorization = `Basic ${btoa(`${name}:${password}`)}`
    return (await registryClient(server, authorization).request('GET', '/v2/')).status
  }

  /** A user that has enrolled by IAM's calls, with the codes of the last step and of this one. */
  async function enrolled(name: string): Promise<Owner> {
    const person = await addPerson(server, name)
    const token = (await wire.logIn(name, person.password)) ?? ''
    const made = await wire.ask(token, 'POST /v3.0/OS-MFA/virtual-mfa-devices', {
      virtual_mfa_device: { name: 'phone', user_id: person.id },
    })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const { serial_number: serial, base32_string_seed: seed } = made.body.virtual_mfa_device
    expect(serial).toEndWith(':mfa/phone')
    const owner = { ...person, seed, secret: fromBase32(seed), serial }
    // Until it is bound the password is enough.
    expect(await wire.logIn(name, person.password)).toBeString()
    expect((await bind(token, owner, [codeOf(owner), codeOf(owner, -1)])).status).toBe(401)
    expect((await bind(token, owner, [codeOf(owner, -1), codeOf(owner, -1)])).status).toBe(401)
    expect((await bind(token, owner, [codeOf(owner, -1), codeOf(owner)])).status).toBe(204)
    expect((await wire.ask(token, 'GET /v3/auth/catalog')).status).toBe(401)
    return owner
  }

  test('once it is bound a login needs the password and a code, each code once', async () => {
    const owner = await enrolled('both')
    expect(await wire.logIn(owner.name, owner.password)).toBeUndefined()
    // Of the step that bound it.
    expect((await logIn(owner, codeOf(owner))).status).toBe(401)
    nowMs += stepMs
    expect((await logIn({ ...owner, password: 'wrong' }, codeOf(owner))).status).toBe(401)
    expect((await logIn(owner, '000000')).status).toBe(401)
    const first = await logIn(owner, codeOf(owner))
    expect([first.status, first.body.token.methods]).toEqual([201, ['password', 'totp']])
    expect((await logIn(owner, codeOf(owner))).status).toBe(401)
    const id = first.headers.get('x-subject-token')
    const again = await wire.ask(undefined, 'POST /v3/auth/tokens', {
      auth: { identity: { methods: ['token'], token: { id } } },
    })
    expect(again.body.token.methods).toEqual(['password', 'totp', 'token'])
    nowMs += 3 * stepMs
    expect((await logIn(owner, codeOf(owner, -2))).status).toBe(401)
    expect((await logIn(owner, codeOf(owner, -1))).status).toBe(201)
  })

  test('of logins with one code that come at once one succeeds', async () => {
    const owner = await enrolled('at-once')
    nowMs += stepMs
    const answers = await Promise.all(Array.from({ length: 5 }, () => logIn(owner, codeOf(owner))))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401])
  })

  test('the code has to be of the user of the password, and a user without a device has none', async () => {
    const [owner, other] = [await enrolled('whose'), await enrolled('somebody-else')]
    nowMs += stepMs
    expect((await logIn(owner, codeOf(owner), { id: other.id })).status).toBe(401)
    nowMs += stepMs
    expect((await logIn(owner, codeOf(other))).status).toBe(401)
    expect((await logIn(owner, codeOf(owner), { name: owner.name })).status).toBe(201)
    const plain = await addPerson(server, 'without')
    expect((await logIn({ ...owner, id: plain.id, password: plain.password }, codeOf(owner))).status).toBe(401)
  })

  test('docker asks for no code, so the password does not log in there, and an access key does', async () => {
    const owner = await enrolled('docker')
    expect(await dockerStatus(owner.name, owner.password)).toBe(401)
    const token = await tokenOf(owner)
    const key = await wire.ask(token, 'POST /v3.0/OS-CREDENTIAL/credentials', { credential: { user_id: owner.id } })
    const { access, secret } = key.body.credential
    expect(await dockerStatus(`${credentials.project}@${access}`, deriveLoginKey(access, secret))).toBe(200)
  })

  test('wrong codes count as failed logins', async () => {
    const owner = await enrolled('guessed')
    nowMs += stepMs
    for (let time = 0; time < 10; time++) expect((await logIn(owner, `00000${time}`)).status).toBe(401)
    const refused = await logIn(owner, codeOf(owner))
    expect([refused.status, refused.body.error.message]).toEqual([403, 'Not allow to login, upload or download image'])
  })

  test('it is taken away by a code of it, by an administrator, or by a command; a token alone does not', async () => {
    const owner = await enrolled('leaving')
    const token = await tokenOf(owner)
    const path = `/v3.0/OS-MFA/virtual-mfa-devices?user_id=${owner.id}&serial_number=${owner.serial}`
    expect((await wire.ask(token, `DELETE ${path}`)).status).toBe(403)
    expect((await unbind(token, owner, '123456')).status).toBe(401)
    nowMs += stepMs
    expect((await unbind(token, { ...owner, serial: 'iam:x:mfa/phone' }, codeOf(owner))).status).toBe(404)
    expect((await unbind(token, owner, codeOf(owner))).status).toBe(204)
    expect(await wire.logIn(owner.name, owner.password)).toBeString()

    const second = await enrolled('lost-phone')
    const shown = await wire.ask(admin, `GET /v3.0/OS-MFA/users/${second.id}/virtual-mfa-device`)
    expect(shown.body).toEqual({ virtual_mfa_device: { user_id: second.id, serial_number: second.serial } })
    expect((await wire.ask(admin, 'GET /v3.0/OS-MFA/virtual-mfa-devices')).body.virtual_mfa_devices).toContainEqual({
      user_id: second.id,
      serial_number: second.serial,
    })
    const removal = `DELETE /v3.0/OS-MFA/virtual-mfa-devices?user_id=${second.id}&serial_number=${second.serial}`
    expect((await wire.ask(admin, removal)).status).toBe(204)
    expect((await wire.ask(admin, removal)).status).toBe(404)
    expect(await wire.logIn(second.name, second.password)).toBeString()

    const third = await enrolled('no-administrator')
    const env = { STOWER_DATA_DIR: server.dataDir, ...server.databaseEnv }
    const removed = await stower(['user', 'remove-second-factor', third.name], { env })
    expect([removed.code, removed.err]).toEqual([0, ''])
    expect(await wire.logIn(third.name, third.password)).toBeString()
  })

  test('the own password is changed without a code by who logged in with one', async () => {
    const owner = await enrolled('changing')
    const token = await tokenOf(owner)
    const user = { original_password: owner.password, password: 'another password 6' }
    expect((await wire.ask(token, `POST /v3/users/${owner.id}/password`, { user })).status).toBe(204)
  })

  test('the seed is in no row and no event as it is', async () => {
    const owner = await enrolled('sealed')
    const rows = await server.database.selectFrom('second_factors').selectAll().execute()
    const stored = rows.map(row => Buffer.from(row.sealed_secret).toString('latin1')).join('\n')
    expect(stored).not.toContain(Buffer.from(owner.secret).toString('latin1'))
    const events = JSON.stringify(await server.database.selectFrom('events').select('detail').execute())
    expect(events).toContain('sealed')
    expect([events, server.log.join('\n')].join()).not.toContain(owner.seed)
  })
})

/** Reads base 32 as an app does: an implementation apart from the one that wrote it. */
function fromBase32(text: string): Uint8Array {
  const bits = [...text].map(each => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(each).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/.{8}/g) ?? []
  return Uint8Array.from(bytes, byte => Number.parseInt(byte, 2))
}
