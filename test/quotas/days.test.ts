import { expect, test } from 'bun:test'
import { formatDay } from '../../src/core/quotas/days/day.ts'
import { noteStored } from '../../src/core/quotas/days/note-stored.ts'
import { readDailyReport } from '../../src/core/quotas/days/report.ts'
import { TrafficCounter } from '../../src/core/quotas/traffic/traffic-counter.ts'
import { hourMs, openCoreRegistry } from '../core-registry.ts'
import { describeEngines } from '../databases.ts'

const dayMs = 24 * hourMs
const accountId = 'a'.repeat(32)

describeEngines('days of an account', (_engine, open) => {
  test('what was stored at the end of each day, as on the day before where nobody looked', async () => {
    const { db, dispose } = await open()
    await using registry = await openCoreRegistry(db)
    const { deps, by } = registry
    const values = async () => (await readDailyReport(deps, by.caller, 'store')).map(figure => figure.bytes)
    const zeros = (count: number) => Array<number>(count).fill(0)
    // So that hours of a day are left, whenever the test runs.
    registry.time.nowMs = Math.floor(registry.time.nowMs / dayMs) * dayMs + hourMs

    await noteStored(deps)
    await registry.push('app', '22')
    await noteStored(deps)
    expect(await values()).toEqual([...zeros(29), 2])
    registry.passMs(2 * dayMs)
    expect(await values()).toEqual([...zeros(27), 2, 2, 2])
    await registry.push('app', '4444')
    // Of today it is what is stored now, noted or not.
    expect(await values()).toEqual([...zeros(27), 2, 2, 6])
    await noteStored(deps)
    registry.passMs(29 * dayMs)
    expect(await values()).toEqual(Array(30).fill(6))
    registry.passMs(dayMs)
    expect(await values()).toEqual(Array(30).fill(6))
    const [first, last] = [0, 29].map(at => ({ at, day: Math.floor(registry.time.nowMs / dayMs) - 29 + at }))
    const report = await readDailyReport(deps, by.caller, 'store')
    expect([report[first?.at ?? 0]?.day, report[last?.at ?? 0]?.day]).toEqual([first?.day, last?.day])
    await dispose()
  })

  test('what was served on each day, of however many processes', async () => {
    const { db, dispose } = await open()
    await using registry = await openCoreRegistry(db)
    const { deps, by } = registry
    const counters = [1, 2].map(shard => new TrafficCounter({ ...deps, shard }))
    const serve = async (bytes: number) => {
      for (const counter of counters) {
        counter.count(accountId, bytes)
        counter.count('b'.repeat(32), 1)
        await counter.flush()
      }
    }
    await serve(5)
    await serve(2 ** 45)
    registry.passMs(3 * dayMs)
    await serve(7)
    const figures = await readDailyReport(deps, by.caller, 'downflow')
    expect(figures.slice(-5).map(figure => figure.bytes)).toEqual([0, 2 ** 46 + 10, 0, 0, 14])
    for (const counter of counters) await counter[Symbol.asyncDispose]()
    await dispose()
  })
})

test('a day is written as a date', () => {
  expect(formatDay(Date.parse('2024-09-01T00:00:00Z') / dayMs)).toBe('2024-09-01')
})
