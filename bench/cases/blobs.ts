import { makeBlob, makeManifest, manifestType } from '../content.ts'
import type { Running } from '../contestants/contestant.ts'
import { Client, repository, runParallel } from '../registry.ts'
import { wrkInBackground } from '../wrk.ts'
import { type Case, connections, type Group, measureByWrk, missingWrk, sizeName, wrkCase } from './case.ts'
import { pushImage } from './manifests.ts'

/** What blobs cost to read, and what their readers leave to others. */
export const blobReads: Group = {
  cases: [
    headBlob(),
    wrkCase(
      { name: `blob GET 64 KB, ${connections} at once`, unit: 'requests/s', cpuPer: 'request', withBasic: true },
      async server => getOf(await pushBlob(server, 64e3), connections),
    ),
    pullBlobs(1e6, connections),
    pullBlobs(100e6, 4),
    smallRequestsBesidePulls(),
  ],
}

function pullBlobs(sizeBytes: number, parallel: number): Case {
  return wrkCase(
    { name: `blob GET ${sizeName(sizeBytes)}, ${parallel} at once`, unit: 'GB/s', cpuPer: 'GB' },
    async server => ({ ...getOf(await pushBlob(server, sizeBytes), parallel), threads: largePullThreads }),
  )
}

/**
 * One thread takes in about 2 GB/s of what a server sends straight from the page cache, as the copy and its cache misses
 * are all the client's; servers that copy first leave it warm bytes, and it would be measured instead of them.
 */
const largePullThreads = 2

function headBlob(): Case {
  const count = 5_000
  return {
    name: `blob HEAD, ${connections} connections`,
    unit: 'requests/s',
    cpuPer: 'request',
    setUp: async server => {
      const digest = await pushBlob(server, 64e3)
      const jobs = Array.from({ length: count }, () => (client: Client) => client.headBlob(digest))
      return () => async () => {
        await runParallel(server, connections, jobs)
        return { operations: count, bytes: 0 }
      }
    },
  }
}

function smallRequestsBesidePulls(): Case {
  const asking = 4
  return {
    name: `manifest GET, ${asking} connections, while ${connections} others pull 100 MB`,
    unit: 'requests/s',
    ...missingWrk,
    setUp: async (server, { seconds }) => {
      const { tag } = await pushImage(server)
      const small = { path: `${repository}/manifests/${tag}`, headers: { Accept: manifestType }, connections: asking }
      const large = getOf(await pushBlob(server, 100e6), connections)
      return () => async () => {
        await using _pulls = wrkInBackground(server, large)
        // Until every one of them is under way.
        await Bun.sleep(300)
        return measureByWrk(server, { ...small, seconds })
      }
    },
  }
}

async function pushBlob(server: Running, sizeBytes: number): Promise<string> {
  using client = new Client(server)
  const blob = makeBlob(sizeBytes)
  await client.pushBlob(blob)
  // docker-registry gives a blob only to a repository with a manifest that names it after its cache was lost.
  await client.putManifest(makeManifest([blob]), 'holds-blobs')
  return blob.digest
}

function getOf(digest: string, parallel: number) {
  return { path: `${repository}/blobs/${digest}`, connections: parallel }
}
