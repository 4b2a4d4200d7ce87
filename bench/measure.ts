import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case, Effort, Group } from './cases/case.ts'
import type { Contestant, Running } from './contestants/contestant.ts'
import { cpuSeconds, memoryBytes, processTree, resetPeakMemory } from './processes.ts'

/** All rounds of one case and one contestant. */
export type Series = {
  case: string
  contestant: string
  isStower: boolean
  unit: string
  /** One per round. */
  values: number[]
  isLessBetter: boolean
  cpu?: { unit: string; values: number[] }
  /** Of each round, in milliseconds; empty where it is not measured. */
  latencies: { p50Ms: number; p99Ms: number }[]
  /** The peak of the server's resident memory over all rounds. */
  peakBytes?: number
}

export type MeasureOptions = {
  folder: string
  effort: Effort
  /** Told of each case as soon as it is measured, and of every contestant that fell out with an error. */
  onMeasured: (series: readonly Series[]) => void
  onFailure: (sentence: string, isStower: boolean) => void
}

/** Measures the cases of one group, each contestant's server started once for all of them. */
export async function measureGroup(
  group: Group,
  contestants: readonly Contestant[],
  options: MeasureOptions,
): Promise<void> {
  const lanes: Lane[] = []
  const folderOf = (index: number) => join(options.folder, `${index}`)
  try {
    const taking = contestants.filter(({ isStower }) => isStower || !group.isForStowerOnly)
    for (const [index, contestant] of taking.entries()) {
      try {
        if (contestant.isStower) await group.prepareStower?.(contestant.start, folderOf(index))
        const server = await contestant.start(folderOf(index))
        lanes.push({ contestant, server })
        await group.fill?.(server)
      } catch (error) {
        options.onFailure(`${contestant.name} could not be made ready: ${String(error)}`, contestant.isStower)
      }
    }
    for (const load of group.cases) options.onMeasured(await measureCase(load, lanes, options))
  } finally {
    for (const { server } of lanes) await server.stop()
    for (const index of contestants.keys()) rmSync(folderOf(index), { recursive: true, force: true })
    settleDisk()
  }
}

type Lane = { contestant: Contestant; server: Running }

/** Rounds go from contestant to contestant (A B C, B C A, …), so that a machine that slows down slows down all alike. */
async function measureCase(load: Case, lanes: readonly Lane[], options: MeasureOptions): Promise<Series[]> {
  const rounds = Math.min(load.mostRounds ?? options.effort.rounds, options.effort.rounds)
  const effort = { ...options.effort, rounds }
  const fail = ({ contestant }: Lane, error: unknown) =>
    options.onFailure(`${load.name}: ${contestant.name} fell out: ${String(error)}`, contestant.isStower)
  const running = new Map<Series, () => Promise<void>>()
  for (const lane of lanes.flatMap(each => variantsOf(load, each))) {
    const series = emptySeries(load, lane.contestant)
    try {
      const makeReady = await load.setUp(lane.server, effort)
      running.set(series, async () => addRound(load, series, lane.server, await makeReady()))
    } catch (error) {
      fail(lane, error)
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [series, run] of rotate([...running], round)) {
      settleDisk()
      try {
        await run()
      } catch (error) {
        running.delete(series)
        const lane = lanes.find(({ contestant }) => contestant.name === series.contestant) ?? lanes[0]
        if (lane) fail(lane, error)
      }
    }
  }
  return [...running.keys()]
}

/** A server as this case asks it: once, and where the case wants it once more with a password in every request. */
function variantsOf(load: Case, { contestant, server }: Lane): Lane[] {
  if (!contestant.isStower) return load.isForStowerOnly ? [] : [{ contestant, server }]
  if (!load.withBasic || server.basic === undefined) return [{ contestant, server }]
  const withBasic = {
    contestant: { ...contestant, name: `${contestant.name}, Basic` },
    server: { ...server, authorization: server.basic },
  }
  return [{ contestant, server }, withBasic]
}

const cpuUnits = { request: 'µs per request', GB: 's per GB', image: 'ms per image', tag: 'µs per tag' }

function emptySeries({ name, unit, cpuPer }: Case, contestant: Contestant): Series {
  return {
    case: name,
    contestant: contestant.name,
    isStower: contestant.isStower,
    unit,
    values: [],
    isLessBetter: unit === 'MB',
    ...(cpuPer && { cpu: { unit: cpuUnits[cpuPer], values: [] } }),
    latencies: [],
    peakBytes: 0,
  }
}

async function addRound(
  load: Case,
  series: Series,
  server: Running,
  run: Awaited<ReturnType<Awaited<ReturnType<Case['setUp']>>>>,
): Promise<void> {
  const pid = server.serverPid()
  const pids = processTree(pid)
  resetPeakMemory(pid)
  const cpuBefore = cpuSeconds(pids)
  const startedMs = performance.now()
  const done = await run()
  const seconds = done.seconds ?? (performance.now() - startedMs) / 1_000
  const cpu = cpuSeconds(pids) - cpuBefore
  const peakBytes = memoryBytes(pid, 'VmHWM')
  series.peakBytes = Math.max(series.peakBytes ?? 0, peakBytes)
  if (done.latency) series.latencies.push(done.latency)
  const values = { MB: peakBytes / 1e6, 'GB/s': done.bytes / 1e9 / seconds }
  series.values.push(load.unit === 'MB' || load.unit === 'GB/s' ? values[load.unit] : done.operations / seconds)
  if (!load.cpuPer) return
  const perOperation = cpu / done.operations
  series.cpu?.values.push(
    { request: perOperation * 1e6, GB: cpu / (done.bytes / 1e9), image: perOperation * 1e3, tag: perOperation * 1e6 }[
      load.cpuPer
    ],
  )
}

export function rotate<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** What one server left in the page cache must not be written in another one's time. */
export function settleDisk(): void {
  Bun.spawnSync(['sync'])
}
