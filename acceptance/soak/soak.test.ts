import { expect } from 'bun:test'
import type { Engine } from '../../test/databases.ts'
import { postgresServer } from '../../test/postgres-server.ts'
import { isThorough, testWithTools } from '../../test/tools.ts'
import { formatReport } from './report.ts'
import { type SoakOptions, soak } from './soak.ts'

/** What the process may hold when it has come to rest, whatever it did before. */
const mostResidentMib = 256

async function expectNothingLeft(options: SoakOptions): Promise<void> {
  const report = await soak(options)
  process.stdout.write(formatReport(report))
  expect(report.unexplained).toEqual([])
  expect(report.after.strays).toBe(0)
  expect(report.after.heldUploads).toBe(0)
  expect(report.after.descriptors).toBeLessThanOrEqual(report.before.descriptors)
  expect(report.after.residentMib).toBeLessThan(mostResidentMib)
  // It did what it is for: all of these came about.
  for (const part of ['GET blob\t200', 'PUT manifest\t201', 'PUT upload\t201', 'PATCH stream\tcut', 'GET blob\tcut']) {
    expect(report.lines.some(line => line.startsWith(part))).toBe(true)
  }
}

const seconds = isThorough ? { sqlite: 60, postgres: 10 } : { sqlite: 10, postgres: 10 }
const title = (engine: Engine) =>
  `64 pushes and 256 pulls at once for ${seconds[engine]} seconds, with clients that go away, leave nothing unexplained or behind`

testWithTools(
  [],
  `${title('sqlite')} (SQLite)`,
  () => expectNothingLeft({ seconds: seconds.sqlite, pushes: 64, pulls: 256 }),
  240_000,
)
testWithTools(
  ['postgres'],
  `${title('postgres')} (PostgreSQL)`,
  async () => {
    const databaseUrl = await (await postgresServer()).createMigrated()
    await expectNothingLeft({ seconds: seconds.postgres, pushes: 64, pulls: 256, databaseUrl })
  },
  240_000,
)
