import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { credentials, logins, managementToken } from '../program.ts'
import type { ClientName } from './client.ts'
import { refusalOf } from './refusal.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'
import { oneAfterAnother } from './turns.ts'

/**
 * What clients show to who is refused a login or an organization. `matrix.test.ts` has the logins that are taken, and
 * `errors.test.ts` what docker, podman and helm print, word for word.
 */

const wrong = { user: credentials.user, password: 'not the password' }
let stage: Stage

beforeAll(async () => {
  stage = await openStage({ layerCount: 1 })
  await stage.registry.pushImage('group/private', '1')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const refusals: readonly [name: ClientName, says: RegExp][] = [
  ['docker', /unauthorized: .*the user name or the password is wrong/],
  ['skopeo', /invalid username\/password/],
  ['podman', /invalid username\/password/],
  ['buildah', /invalid username\/password/],
]

describe.concurrent('refused', () => {
  for (const [name, says] of refusals) {
    const inTurn = oneAfterAnother()
    for (const [what, login] of Object.entries({
      'a wrong password': wrong,
      'an unknown user': { ...wrong, user: 'nobody' },
      'a wrong login key': { ...wrong, user: logins['access key'].user },
      'an unknown access key': { ...wrong, user: `${credentials.project}@NOTTHERE` },
    })) {
      testWithClients([name], `${name} refuses to log in with ${what} and says why`, () =>
        inTurn(async () => {
          const client = await stage.newClient(name)
          const message = await refusalOf(client.logIn(stage.program.host, login))
          expect(message).toMatch(says)
          expect(message).not.toContain(wrong.password)
        }),
      )
    }

    testWithClients([name], `${name} without a login is asked for one when it pulls a private image`, () =>
      inTurn(async () => {
        const client = await stage.newClient(name)
        expect(await refusalOf(client.pull(imageName(stage, 'private')))).toMatch(/unauthori[sz]ed|denied/i)
      }),
    )
  }

  for (const path of ['secret', 'authorizationtoken']) {
    testWithClients(
      ['docker'],
      `docker logs in by the line that utils/${path} answers, pasted into a shell`,
      async () => {
        const docker = await stage.newClient('docker')
        const image = imageName(stage, 'private')
        const inspect = () => docker.docker(['manifest', 'inspect', '--insecure', image])
        expect(await refusalOf(inspect())).toMatch(/unauthori[sz]ed|denied|no such manifest/i)
        const answer = await fetch(`${stage.program.url}/v2/manage/utils/${path}`, {
          method: 'POST',
          headers: { 'x-auth-token': await managementToken(stage.program) },
        })
        const line = answer.headers.get('x-swr-dockerlogin') ?? ''
        expect(await docker.paste(line)).toContain('Login Succeeded')
        expect(await inspect()).toContain('application/vnd.oci.image.manifest.v1+json')
      },
    )
  }

  testWithClients(
    ['crane'],
    'crane, which checks no login, says at the first push that the password is wrong',
    async () => {
      const crane = await stage.newClient('crane')
      await crane.logIn(stage.program.host, wrong)
      const message = await refusalOf(crane.push(await stage.content(), imageName(stage, 'refused')))
      expect(message).toContain('UNAUTHORIZED')
    },
  )

  for (const name of ['skopeo', 'buildah', 'crane'] as const satisfies readonly ClientName[]) {
    testWithClients([name], `${name} says what to do about a missing organization, and about none`, async () => {
      const client = await stage.client(name, 'access key')
      const { host } = stage.program
      const missing = await refusalOf(client.push(await stage.content(), `${host}/missing-group/app:1`))
      expect(missing).toContain('there is no organization missing-group')
      expect(missing).toContain('create it first')
      const none = await refusalOf(client.push(await stage.content(), `${host}/busybox:1`))
      expect(none).toContain(`use ${host}/<organization>/busybox`)
    })
  }
})
