import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pushImage } from './cases/manifests.ts'
import { repositoryNameOf, tagOf } from './cases/many.ts'
import type { Contestant } from './contestants/contestant.ts'
import { dataFolder } from './contestants/stower.ts'
import { addRepositories, addTags } from './fill.ts'
import { rotate, type Series, settleDisk } from './measure.ts'
import { memoryBytes } from './processes.ts'
import { repository } from './registry.ts'

type Options = { folder: string; rounds: number }

/** Starts on a fresh folder and on a used one, and the memory of a server that nobody asks for anything. */
export async function measureStarts(
  contestants: readonly Contestant[],
  { folder, rounds }: Options,
): Promise<Series[]> {
  const lanes = contestants.map(contestant => ({
    contestant,
    fresh: emptySeries('first start, until the first answer', 'ms', contestant),
    second: emptySeries('second start, until the first answer', 'ms', contestant),
    idle: emptySeries('memory of the idle server after its second start', 'MB', contestant),
  }))
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
  return (['fresh', 'second', 'idle'] as const).flatMap(kind => lanes.map(lane => lane[kind]))
}

/** Starts of one way to run Stower over so many tags and repositories. */
export async function measureLargeStart(
  contestant: Contestant,
  { folder, rounds, count }: Options & { count: number },
): Promise<Series[]> {
  const place = join(folder, 'large')
  const filling = await contestant.start(place)
  const { digest } = await pushImage(filling)
  await filling.stop()
  addTags(dataFolder(place), { repository, digest, count, nameOf: tagOf })
  addRepositories(dataFolder(place), { organization: 'bench', count, nameOf: repositoryNameOf })
  const among = `${count.toLocaleString('en')} tags and ${count.toLocaleString('en')} repositories`
  const series = emptySeries(`start over ${among}, until the first answer`, 'ms', contestant)
  const idle = emptySeries(`memory of the idle server over ${among}`, 'MB', contestant)
  for (let round = 0; round < rounds; round++) {
    settleDisk()
    const server = await contestant.start(place)
    series.values.push(server.startMs)
    await Bun.sleep(1_000)
    idle.values.push(memoryBytes(server.serverPid(), 'VmRSS') / 1e6)
    await server.stop()
  }
  rmSync(place, { recursive: true, force: true })
  return [series, idle]
}

function emptySeries(name: string, unit: string, { name: contestant, isStower }: Contestant): Series {
  return { case: name, contestant, isStower, unit, values: [], isLessBetter: true, latencies: [] }
}
