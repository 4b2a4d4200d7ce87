import { afterAll, beforeAll, expect } from 'bun:test'
import { credentials, logins } from '../program.ts'
import type { ClientName } from './client.ts'
import { refusalOf } from './refusal.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** How each client logs in, and what it shows to its user when it is refused. */

const names: readonly ClientName[] = ['docker', 'skopeo', 'podman', 'buildah', 'crane']
const wrong = { user: credentials.user, password: 'not the password' }
/** Some answers make docker try again for 50 s before it shows them. */
const promptMs = 20_000
let stage: Stage

beforeAll(async () => {
  stage = await openStage({ layerCount: 1 })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

for (const name of names) {
  // The password is proved by the exchange of images, whose pushes log in with it.
  testWithClients([name], `${name} pushes and pulls with the login {project}@{AK}`, async () => {
    const client = await stage.client(name, 'access key')
    const pushed = await client.push(await stage.content(), imageName(stage, name))
    expect(await client.pull(imageName(stage, name))).toEqual(pushed)
  })

  testWithClients(
    [name],
    `${name} names the organization that is missing and how to make it`,
    async () => {
      const client = await stage.client(name, 'access key')
      const message = await refusalOf(client.push(await stage.content(), `${stage.program.host}/missing-group/app:1`))
      expect(message).toContain('missing-group')
      expect(message).toContain('create it first')
    },
    promptMs,
  )

  testWithClients(
    [name],
    `${name} says "use <host>/<organization>/busybox" for a name without organization`,
    async () => {
      const client = await stage.client(name, 'access key')
      const { host } = stage.program
      const message = await refusalOf(client.push(await stage.content(), `${host}/busybox:1`))
      expect(message).toContain(`use ${host}/<organization>/busybox`)
    },
    promptMs,
  )
}

const refusals: readonly [name: ClientName, says: RegExp][] = [
  ['docker', /unauthorized: .*the user name or the password is wrong/],
  ['skopeo', /invalid username\/password/],
  ['podman', /invalid username\/password/],
  ['buildah', /invalid username\/password/],
]

for (const [name, says] of refusals) {
  for (const [what, login] of Object.entries({
    'a wrong password': wrong,
    'an unknown user': { ...wrong, user: 'nobody' },
    'a wrong login key': { ...wrong, user: logins['access key'].user },
    'an unknown access key': { ...wrong, user: `${credentials.project}@NOTTHERE` },
  })) {
    testWithClients([name], `${name} refuses to log in with ${what} and says why`, async () => {
      const client = await stage.newClient(name)
      const message = await refusalOf(client.logIn(stage.program.host, login))
      expect(message).toMatch(says)
      expect(message).not.toContain(wrong.password)
    })
  }
}

testWithClients(
  ['crane'],
  'crane, which checks no login, says at the first push that the password is wrong',
  async () => {
    const crane = await stage.newClient('crane')
    await crane.logIn(stage.program.host, wrong)
    expect(await refusalOf(crane.push(await stage.content(), imageName(stage, 'crane', 'refused')))).toContain(
      'UNAUTHORIZED',
    )
  },
)

for (const name of names) {
  testWithClients([name], `${name} without a login is asked for one when it pulls a private image`, async () => {
    const client = await stage.newClient(name)
    expect(await refusalOf(client.pull(imageName(stage, name)))).toMatch(
      /unauthori[sz]ed|authentication required|denied/i,
    )
  })
}
