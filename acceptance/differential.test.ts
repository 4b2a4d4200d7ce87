import { expect } from 'bun:test'
import { randomOf } from '../test/crash/random.ts'
import { testWithTools } from '../test/tools.ts'
import { startDockerRegistry } from './differential/docker-registry.ts'
import { entryFor, type Listed, listed } from './differential/listed.ts'
import { Sequence } from './differential/sequence.ts'
import { differences } from './differential/two-registries.ts'
import { createOrganization, credentials, startProgram } from './program.ts'

/**
 * Random requests to both, the same ones in every run. STOWER_DIFFERENTIAL_SEED begins elsewhere; what fails is told with
 * its seed.
 */
const firstSeed = Number(process.env.STOWER_DIFFERENTIAL_SEED ?? 1)
const walks = 16
const stepsOfWalk = 60

testWithTools(
  ['docker-registry'],
  'Stower and docker-registry answer alike but for the differences listed',
  async () => {
    await using program = await startProgram()
    await using peer = await startDockerRegistry()
    await createOrganization(program, 'group')
    const peers = {
      ours: { url: program.url, authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` },
      theirs: { url: peer.url, authorization: undefined },
    }
    const used = new Set<Listed>()
    const unlisted: unknown[] = []
    for (let seed = firstSeed; seed < firstSeed + walks; seed++) {
      const walk = new Sequence(peers, randomOf(seed), `group/walk${seed}`)
      await walk.prepare()
      if (seed === firstSeed) await walk.runBad()
      await walk.run(stepsOfWalk)
      for (const exchange of walk.exchanges) {
        for (const difference of differences(exchange.said)) {
          const entry = entryFor(exchange, difference)
          if (entry) used.add(entry)
          else unlisted.push({ seed, what: exchange.what, asked: exchange.asked, difference })
        }
      }
    }
    expect(unlisted).toEqual([])
    if (firstSeed === 1) expect(listed.filter(entry => !used.has(entry))).toEqual([])
  },
  300_000,
)
