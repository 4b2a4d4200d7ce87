import { makeImage, manifestType } from '../content.ts'
import type { Running } from '../contestants/contestant.ts'
import { Client, repository, runParallel } from '../registry.ts'
import { type Case, connections, type Group, wrkCase } from './case.ts'

/** What one manifest costs to read, and to ask for. */
export const manifestReads: Group = {
  cases: [
    getManifest('manifest GET by tag', ({ tag }) => tag),
    getManifest('manifest GET by digest', ({ digest }) => digest),
    headManifest('manifest HEAD by tag', ({ tag }) => tag),
    headManifest('manifest HEAD by digest', ({ digest }) => digest),
  ],
}

type Pushed = { tag: string; digest: string }

function getManifest(name: string, referenceOf: (pushed: Pushed) => string): Case {
  return wrkCase(
    { name: `${name}, ${connections} connections`, unit: 'requests/s', cpuPer: 'request', withBasic: true },
    async server => getOf(referenceOf(await pushImage(server))),
  )
}

/** A load of GETs of one manifest. */
export function getOf(reference: string) {
  return { path: `${repository}/manifests/${reference}`, headers: { Accept: manifestType }, connections }
}

/** Not by wrk, which waits for the body that Content-Length tells. */
function headManifest(name: string, referenceOf: (pushed: Pushed) => string): Case {
  const count = 5_000
  return {
    name: `${name}, ${connections} connections`,
    unit: 'requests/s',
    cpuPer: 'request',
    withBasic: true,
    setUp: async server => {
      const reference = referenceOf(await pushImage(server))
      const jobs = Array.from({ length: count }, () => (client: Client) => client.headManifest(reference))
      return () => async () => {
        await runParallel(server, connections, jobs)
        return { operations: count, bytes: 0 }
      }
    },
  }
}

export async function pushImage(server: Running): Promise<Pushed> {
  using client = new Client(server)
  const image = makeImage()
  const tag = 'latest'
  await client.pushImage(image, tag)
  return { tag, digest: image.manifest.digest }
}
