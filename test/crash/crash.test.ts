import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../databases.ts'
import { postgresServer } from '../postgres-server.ts'
import { isThorough, testWithTools } from '../tools.ts'
import { checkPush, findLosses, findTornFiles, heldBlobs, type Registry } from './check.ts'
import { newLedger, type Push } from './ledger.ts'
import { pushUntilGone, repositories } from './load.ts'
import { bearerToken, insertOrganization } from './organization.ts'
import { type Random, randomOf } from './random.ts'
import { type ServerProcess, spawnServer } from './server-process.ts'

/*
 * Servers are killed with SIGKILL while clients push, at each named step of a commit and at random times, also while
 * they start; the next one on the same folder must have everything that was answered, and nothing in parts.
 * STOWER_TEST_SEED repeats the choices of a run (its timing cannot be repeated).
 */

const seed = Number(process.env.STOWER_TEST_SEED ?? Date.now() % 2 ** 31)
const steps = ['staged', 'synced', 'renamed', 'published', 'before-commit', 'after-commit']
/** The lives of a lane go through these in turn. */
const moments = [...steps.slice(0, 3), 'load', ...steps.slice(3), 'load', 'start']
const clients = 4

const total = { kills: new Map<string, number>(), pushes: 0, lost: 0 }
const sumOf = (numbers: Iterable<number>) => [...numbers].reduce((sum, number) => sum + number, 0)

afterAll(() => {
  console.log(`crash test: seed ${seed}; kills at ${JSON.stringify(Object.fromEntries(total.kills))}`)
  console.log(
    `crash test: ${sumOf(total.kills.values())} kills, ${total.pushes} answered pushes checked, ${total.lost} lost`,
  )
})

/** Times that the lives of a lane go through all moments. */
const rounds = isThorough ? { sqlite: 9, postgres: 2 } : { sqlite: 2, postgres: 1 }
/** By two lanes; a server that is killed while it starts was killed under load before. */
const killsOf = (engine: Engine) => 2 * rounds[engine] * (moments.length + 1)

test('SQLite: kills lose no answered push and leave nothing in parts', async () => {
  const kills = await Promise.all([runLane('sqlite', seed), runLane('sqlite', seed + 1)])
  expect(sumOf(kills)).toBe(killsOf('sqlite'))
  for (const step of steps) expect(total.kills.get(step) ?? 0).toBeGreaterThanOrEqual(rounds.sqlite)
}, 480_000)

testWithTools(
  ['postgres'],
  'PostgreSQL: kills lose no answered push and leave nothing in parts',
  async () => {
    const kills = await Promise.all([runLane('postgres', seed + 2), runLane('postgres', seed + 3)])
    expect(sumOf(kills)).toBe(killsOf('postgres'))
  },
  120_000,
)

/** Kills one server after another on one data folder, under load at each moment. Returns how many were killed. */
async function runLane(engine: Engine, laneSeed: number): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-crash-'))
  const databaseUrl = engine === 'postgres' ? await (await postgresServer()).createMigrated() : undefined
  const at = { dataDir, ...(databaseUrl !== undefined && { databaseUrl }) }
  const lane = new Lane(at, randomOf(laneSeed), await spawnServer(at))
  try {
    await lane.open()
    for (const moment of Array.from({ length: rounds[engine] }, () => moments).flat()) await lane.live(moment)
    await lane.checkEverything()
  } finally {
    await lane.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  total.pushes += lane.answered.length
  total.lost += lane.losses.length
  expect(lane.losses).toEqual([])
  return lane.kills
}

/** One data folder, the server on it, and what its clients were promised. */
class Lane {
  readonly answered: Push[] = []
  readonly losses: string[] = []
  kills = 0
  readonly #at: { dataDir: string; databaseUrl?: string }
  readonly #random: Random
  readonly #registry: Registry = { url: '', authorization: '' }
  #server: ServerProcess

  constructor(at: { dataDir: string; databaseUrl?: string }, random: Random, server: ServerProcess) {
    this.#at = at
    this.#random = random
    this.#server = server
  }

  async open(): Promise<void> {
    this.#registry.url = await this.#server.ready
    await insertOrganization(this.#at, 'crash')
    this.#registry.authorization = await bearerToken(this.#registry.url, repositories)
  }

  /** Pushes until the server is killed, starts the next one and checks what it has. */
  async live(moment: string): Promise<void> {
    const ledger = newLedger()
    const held = this.answered.slice(-100).flatMap(push => heldBlobs([push]))
    if (steps.includes(moment)) this.#server.arm(moment, this.#random.between(1, 4))
    const load = pushUntilGone({ ...this.#registry, random: this.#random, ledger, held }, clients)
    const timer = steps.includes(moment)
      ? setTimeout(() => this.#server.kill(), 10_000)
      : setTimeout(() => this.#server.kill(), this.#random.between(5, 150))
    await load
    clearTimeout(timer)
    await this.#bury(moment)
    if (moment === 'start') await this.#killWhileItStarts()
    await this.#startAgain()
    this.losses.push(...(await findLosses(this.#registry, ledger)))
    this.answered.push(...ledger.pushes.filter(push => push.isAnswered))
  }

  /** Once more all that any life answered, and the bytes on disk against their names. */
  async checkEverything(): Promise<void> {
    for (const push of this.answered) {
      const loss = await checkPush(this.#registry, push)
      if (loss !== undefined) this.losses.push(`later: ${loss}`)
    }
    this.losses.push(...(await findTornFiles(this.#at.dataDir)))
  }

  async close(): Promise<void> {
    this.#server.kill()
    await this.#server.ended
  }

  async #killWhileItStarts(): Promise<void> {
    this.#server = await spawnServer(this.#at)
    this.#server.ready.catch(() => 'it is meant to die before')
    await Bun.sleep(this.#random.between(0, 300))
    this.#server.kill()
    await this.#bury('start')
  }

  async #startAgain(): Promise<void> {
    this.#server = await spawnServer(this.#at)
    this.#registry.url = await this.#server.ready
  }

  /** The dead server must have said nothing: a start that repairs is no cause for a warning, and none must fail. */
  async #bury(moment: string): Promise<void> {
    expect(await this.#server.ended).toEqual({ signal: 'SIGKILL', code: null, complaints: '' })
    this.kills++
    total.kills.set(moment, (total.kills.get(moment) ?? 0) + 1)
  }
}
