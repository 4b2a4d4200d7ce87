import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectGarbage } from '../../src/app/garbage.ts'
import { loadConfig } from '../../src/config.ts'
import type { SweepMoment } from '../../src/core/gc/deps.ts'
import type { Engine } from '../databases.ts'
import { postgresServer } from '../postgres-server.ts'
import { testWithTools } from '../tools.ts'
import { findTornFiles } from './check.ts'
import {
  findLostImages,
  type ImageLoad,
  makePool,
  makeRepositories,
  pushImagesUntilGone,
  sweptRepositories,
} from './image-load.ts'
import { bearerToken, insertOrganization, openDatabaseOf } from './organization.ts'
import { randomOf } from './random.ts'
import { type ServerProcess, spawnServer } from './server-process.ts'

/*
 * Servers that sweep without a grace time are killed at each step of a sweep, while clients push and delete images of the
 * same few blobs. The next one must have every image that was answered, whole; and in the end a sweep leaves exactly the
 * files that rows name.
 */

const seed = Number(process.env.STOWER_TEST_SEED ?? Date.now() % 2 ** 31)
const sweepMoments: readonly SweepMoment[] = [
  ...(['links-chosen', 'links-removed', 'bodies-chosen', 'bodies-removed', 'blobs-chosen', 'condemned'] as const),
  ...(['bytes-removed', 'blobs-removed', 'content-listed', 'strays-chosen', 'stray-removed'] as const),
]
/** A push that is killed behind its rename leaves a stray for the life after. */
const moments = sweepMoments.flatMap(moment =>
  moment === 'strays-chosen' || moment === 'stray-removed' ? ['published', moment] : [moment],
)
const kills = new Map<string, number>()

afterAll(() => console.log(`sweep crash test: seed ${seed}; kills at ${JSON.stringify(Object.fromEntries(kills))}`))

test('SQLite: kills at every step of sweeps lose no answered image, and leave only what the next sweep removes', async () => {
  await runLane('sqlite', 1, seed)
  for (const moment of sweepMoments) expect([moment, kills.get(moment) ?? 0]).not.toEqual([moment, 0])
}, 300_000)

testWithTools(
  ['postgres'],
  'PostgreSQL: kills at every step of sweeps lose no answered image, and leave only what the next sweep removes',
  () => runLane('postgres', 1, seed + 1),
  300_000,
)

async function runLane(engine: Engine, rounds: number, laneSeed: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-sweep-crash-'))
  const databaseUrl = engine === 'postgres' ? await (await postgresServer()).createMigrated() : undefined
  const at = { dataDir, isSweeping: true, ...(databaseUrl !== undefined && { databaseUrl }) }
  const random = randomOf(laneSeed)
  const load: ImageLoad = { url: '', authorization: '', random, images: [], pool: makePool(random) }
  let server: ServerProcess = await spawnServer(at)
  const losses: string[] = []
  try {
    load.url = await server.ready
    await insertOrganization(at, 'crash')
    load.authorization = await bearerToken(load.url, sweptRepositories)
    await makeRepositories(load)
    // Deleting in a repository can be allowed once it is there.
    load.authorization = await bearerToken(load.url, sweptRepositories, 'pull,push,delete')
    server.kill()
    await server.ended
    for (const moment of Array.from({ length: rounds }, () => moments).flat()) {
      // A stray comes once, and the first sweep takes it; others come all the time.
      const isOfStray = moment.startsWith('stray')
      server = await spawnServer({ ...at, ...(isOfStray && { armed: moment }) })
      if (isOfStray) load.url = await server.ready.catch(() => load.url)
      else {
        load.url = await server.ready
        losses.push(...(await findLostImages(load)))
        server.arm(moment, random.between(1, 3))
      }
      // A step that does not come is no reason to wait for ever; whether each came is asked in the end.
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        server.kill()
      }, 60_000)
      await pushImagesUntilGone(load, 3)
      clearTimeout(timer)
      expect(await server.ended).toEqual({ signal: 'SIGKILL', code: null, complaints: '' })
      const killedAt = isLate ? 'load' : moment
      kills.set(killedAt, (kills.get(killedAt) ?? 0) + 1)
    }
    server = await spawnServer(at)
    load.url = await server.ready
    losses.push(...(await findLostImages(load)))
    expect(losses).toEqual([])
    // It sweeps as long as it lives.
    server.kill()
    await server.ended
    expect(await findTornFiles(dataDir)).toEqual([])
    await expectNothingLeft(at)
  } finally {
    server.kill()
    await server.ended
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** One more sweep, and every file is named by a row and every row has its file. */
async function expectNothingLeft({
  dataDir,
  databaseUrl,
}: {
  dataDir: string
  databaseUrl?: string | undefined
}): Promise<void> {
  const env = {
    STOWER_DATA_DIR: dataDir,
    STOWER_GC_GRACE: '0s',
    ...(databaseUrl && { STOWER_DATABASE_URL: databaseUrl }),
  }
  const loaded = loadConfig({ flags: [], env, cwd: dataDir })
  if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
  // Uploads that nobody came back for are told from living ones by their time alone.
  {
    await using db = await openDatabaseOf({ dataDir, databaseUrl })
    await db.write(tx => tx.updateTable('upload_sessions').set({ expires_ms: 0, lease_until_ms: 0 }).execute())
  }
  const { left, missing, foreign } = await collectGarbage(loaded.config)
  expect({ left, missing, foreign }).toEqual({ left: 0, missing: 0, foreign: 0 })
  const files = await Array.fromAsync(new Bun.Glob('*/*/*').scan({ cwd: join(dataDir, 'blobs'), onlyFiles: true }))
  expect(files.sort()).toEqual(await locationsOf({ dataDir, databaseUrl }))
}

async function locationsOf(at: { dataDir: string; databaseUrl: string | undefined }): Promise<string[]> {
  await using db = await openDatabaseOf(at)
  const rows = await db.read.selectFrom('blobs').select('location').where('state', '=', 'present').execute()
  return rows.map(row => row.location).sort()
}
