import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { findTool, requireTool } from '../../test/tools.ts'
import { CommandError, run } from '../command.ts'
import { type Client, type ClientName, clientTools, type Pushed } from './client.ts'
import { cells, type Row, type Setting } from './matrix/cells.ts'
import { type PushesOverExpiry, startPushesOverExpiry } from './matrix/expiry.ts'
import { type Lack, lacks } from './matrix/lacks.ts'
import { type Situation, situations } from './matrix/situations.ts'
import { createUser, grant } from './people.ts'
import { openStage, testWithClients } from './stage.ts'
import { oneAfterAnother } from './turns.ts'

/**
 * Every client in every situation. The cells of one client run one after another, those of different clients side by
 * side.
 */

const names = Object.keys(clientTools) as ClientName[]
const limitMs = 400_000
let setting: Setting
/** They wait for a minute, while the other tests go on. */
let pushes: Promise<PushesOverExpiry>

beforeAll(async () => {
  pushes = startPushesOverExpiry(names.filter(name => clientTools[name].every(tool => findTool(tool) !== undefined)))
  const stage = await openStage({ layerCount: 2 })
  const [reader, stranger] = await Promise.all(['reader', 'stranger'].map(name => createUser(stage.program, name)))
  if (!reader || !stranger) throw new Error('no users')
  await grant(stage.program, 'group', reader, 1)
  setting = { stage, reader, stranger }
})
afterAll(async () => {
  await setting?.stage[Symbol.asyncDispose]()
  await (await pushes)[Symbol.asyncDispose]()
})

const rows = new Map(names.map(name => [name, { row: openRow(name), inTurn: oneAfterAnother() }]))

describe.concurrent('every client in every situation', () => {
  for (const situation of situations) {
    for (const [name, { row, inTurn }] of rows) {
      const lack = lacks[name]?.[situation]
      if (lack) testLack(name, situation, lack)
      else if (situation === 'goes on when its token expires during a push') {
        testWithClients([name], `${name} ${situation}`, () => expectPushOverExpiry(name), limitMs)
      } else {
        testWithClients([name], `${name} ${situation}`, () => inTurn(() => cells[situation](setting, row)), limitMs)
      }
    }
  }
})

function openRow(name: ClientName): Row {
  let main: Promise<Pushed> | undefined
  const client = (): Promise<Client> => setting.stage.client(name)
  const push = async () => {
    const { program, content } = setting.stage
    return (await client()).push(await content(), `${program.host}/group/${name}/main:1.0.0`)
  }
  return {
    name,
    client,
    main: () => {
      main ??= push()
      return main
    },
  }
}

async function expectPushOverExpiry(name: ClientName): Promise<void> {
  const { pushed, pulled, tokensAskedForAfterwards } = await (await pushes).of(name)
  expect(pulled).toEqual(pushed)
  expect(tokensAskedForAfterwards).toBeGreaterThan(0)
}

/** An empty cell: asked for what it can't do, the client says so. */
function testLack(name: ClientName, situation: Situation, { because, asked, says }: Lack): void {
  const [tool, ...args] = asked
  testWithClients([name], `${name} never ${situation}: ${because}`, async () => {
    const env = { HOME: await setting.stage.newFolder('lack') }
    const output = await run(requireTool(tool), args, { env }).catch(error => {
      if (error instanceof CommandError) return error.message
      throw error
    })
    expect(output).toMatch(says)
  })
}
