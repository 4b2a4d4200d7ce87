import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sharedExecutable } from '../../test/build/executable.ts'
import { postgresPrograms, postgresServer } from '../../test/postgres-server.ts'
import type { ProgramOptions } from '../program.ts'
import type { ClientName } from './client.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** Real clients against the other forms in which the program runs. */

const names: readonly ClientName[] = ['docker', 'skopeo', 'crane']

describe('over PostgreSQL', () => {
  if (!postgresPrograms()) {
    test.skip('clients push and pull (needs postgresql-15)', () => {})
    return
  }
  testAgainst(async () => ({ settings: { STOWER_DATABASE_URL: await (await postgresServer()).createDatabase() } }))
})

describe('as an executable', () => {
  testAgainst(async () => ({ command: [await sharedExecutable()] }))
})

function testAgainst(options: () => Promise<ProgramOptions>): void {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ layerCount: 2, program: await options() })
  }, 120_000)
  afterAll(() => stage?.[Symbol.asyncDispose]())

  for (const [index, name] of names.entries()) {
    const puller = names[(index + 1) % names.length] ?? name
    testWithClients([name, puller], `${name} pushes, and ${puller} pulls the same by its access key`, async () => {
      const client = await stage.client(name)
      const pushed = await client.push(await stage.content(), imageName(stage, name))
      expect(await (await stage.client(puller, 'access key')).pull(imageName(stage, name))).toEqual(pushed)
    })
  }

  testWithClients(names, 'what was pushed is there after kill -9 and a restart', async () => {
    await stage.program.kill9()
    await stage.program.restart()
    const crane = await stage.client('crane')
    for (const name of names) await crane.crane(['validate', '--remote', imageName(stage, name)])
  })
}
