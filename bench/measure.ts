import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './cases.ts'
import type { Contestant, Running } from './contestants.ts'
import { cpuSeconds, memoryBytes, processTree, resetPeakMemory } from './processes.ts'

/** All rounds of one case and one contestant. */
export type Series = {
  case: string
  contestant: string
  unit: string
  /** One per round. */
  values: number[]
  isLessBetter: boolean
  cpu?: { unit: string; values: number[] }
  /** The peak of the server's resident memory over all rounds. */
  peakBytes?: number
}

/** Rounds go from contestant to contestant (A B C, B C A, …), so that a machine that slows down slows down all alike. */
export async function measureLoad(
  load: Case,
  contestants: readonly Contestant[],
  { folder, rounds }: { folder: string; rounds: number },
): Promise<Series[]> {
  const lanes: Lane[] = []
  try {
    for (const contestant of contestants.filter(({ isStower }) => isStower || !load.isForStowerOnly)) {
      const place = join(folder, `${lanes.length}`)
      const server = await contestant.start(place)
      const lane = { server, series: emptySeries(load, contestant), round: async () => {} }
      lanes.push(lane)
      const makeReady = await load.setUp(server)
      lane.round = async () => addRound(load, lane, await makeReady())
    }
    for (let round = 0; round < rounds; round++) {
      for (const lane of rotate(lanes, round)) {
        settleDisk()
        await lane.round()
      }
    }
    return lanes.map(({ series }) => series)
  } finally {
    for (const { server } of lanes) await server.stop()
    for (const index of lanes.keys()) rmSync(join(folder, `${index}`), { recursive: true, force: true })
    settleDisk()
  }
}

/** Starts on a fresh folder and on a used one, and the memory of a server that nobody asks for anything. */
export async function measureStarts(
  contestants: readonly Contestant[],
  { folder, rounds }: { folder: string; rounds: number },
): Promise<Series[]> {
  const all: Series[] = []
  const lanes = contestants.map(contestant => {
    const make = (name: string, unit: string): Series => ({
      case: name,
      contestant: contestant.name,
      unit,
      values: [],
      isLessBetter: true,
    })
    return {
      contestant,
      fresh: make('first start, until the first answer', 'ms'),
      second: make('second start, until the first answer', 'ms'),
      idle: make('memory of the idle server after its second start', 'MB'),
    }
  })
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, fresh, second, idle } of rotate(lanes, round)) {
      settleDisk()
      const first = await contestant.start(folder)
      fresh.values.push(first.startMs)
      await first.stop()
      const again = await contestant.start(folder)
      second.values.push(again.startMs)
      await Bun.sleep(1_000)
      idle.values.push(memoryBytes(again.serverPid(), 'VmRSS') / 1e6)
      await again.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  for (const kind of ['fresh', 'second', 'idle'] as const) all.push(...lanes.map(lane => lane[kind]))
  return all
}

type Lane = { server: Running; series: Series; round: () => Promise<void> }

function emptySeries({ name, unit, cpuPer }: Case, contestant: Contestant): Series {
  const cpuUnit = { request: 'µs per request', GB: 's per GB', image: 'ms per image' }[cpuPer]
  return {
    case: name,
    contestant: contestant.name,
    unit,
    values: [],
    isLessBetter: false,
    cpu: { unit: cpuUnit, values: [] },
    peakBytes: 0,
  }
}

async function addRound(load: Case, { server, series }: Lane, run: Awaited<ReturnType<RoundMaker>>): Promise<void> {
  const pid = server.serverPid()
  const pids = processTree(pid)
  resetPeakMemory(pid)
  const cpuBefore = cpuSeconds(pids)
  const startedMs = performance.now()
  const done = await run()
  const seconds = done.seconds ?? (performance.now() - startedMs) / 1_000
  const cpu = cpuSeconds(pids) - cpuBefore
  series.peakBytes = Math.max(series.peakBytes ?? 0, memoryBytes(pid, 'VmHWM'))
  series.values.push((load.unit === 'GB/s' ? done.bytes / 1e9 : done.operations) / seconds)
  series.cpu?.values.push(
    { request: (cpu / done.operations) * 1e6, GB: cpu / (done.bytes / 1e9), image: (cpu / done.operations) * 1e3 }[
      load.cpuPer
    ],
  )
}

type RoundMaker = Awaited<ReturnType<Case['setUp']>>

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** What one server left in the page cache must not be written in another one's time. */
function settleDisk(): void {
  Bun.spawnSync(['sync'])
}
