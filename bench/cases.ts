import { type Blob, makeBlob, makeImage, makeManifest, manifestType } from './content.ts'
import { logIn, type Running } from './contestants.ts'
import { Client, runParallel } from './registry.ts'
import { connections, isWrkInstalled, runWrk } from './wrk.ts'

/** What was done; the time is measured around it unless it is told here. */
export type Done = { operations: number; bytes: number; seconds?: number }

/** A load with all its content ready, so that making that is not measured. */
export type ReadyLoad = () => Promise<Done>

export type Case = {
  name: string
  unit: 'requests/s' | 'GB/s' | 'blobs/s' | 'images/s'
  cpuPer: 'request' | 'GB' | 'image'
  /** Peers have nothing like it. */
  isForStowerOnly?: true
  /** Told why it can't be measured on this machine. */
  missing?: string
  /** Once per server; resolves to what makes one round ready. */
  setUp: (server: Running) => Promise<() => ReadyLoad | Promise<ReadyLoad>>
}

const wrkSeconds = 3

export const cases: readonly Case[] = [
  getManifest('manifest GET by tag, 16 connections', ({ tag }) => tag),
  getManifest('manifest GET by digest, 16 connections', ({ digest }) => digest),
  headManifest(),
  pullBlobs({ sizeBytes: 1e6, parallel: connections, count: 4_000 }),
  pullBlobs({ sizeBytes: 100e6, parallel: 4, count: 80 }),
  pushBlobs({ sizeBytes: 64e3, parallel: 16, count: 1_000, unit: 'blobs/s' }),
  pushBlobs({ sizeBytes: 1e6, parallel: 16, count: 300, unit: 'blobs/s' }),
  pushBlobs({ sizeBytes: 100e6, parallel: 4, count: 12, unit: 'GB/s' }),
  pushBlobs({ sizeBytes: 100e6, parallel: 16, count: 16, unit: 'GB/s' }),
  pushBlobs({ sizeBytes: 100e6, parallel: 16, count: 16, unit: 'GB/s', withLogins: true }),
  {
    name: 'push of a whole small image (1 KB, 2 × 32 KB, manifest), 16 at once',
    unit: 'images/s',
    cpuPer: 'image',
    setUp: async server => {
      let pushed = 0
      return () => {
        const images = Array.from({ length: 150 }, makeImage)
        return async () => {
          const jobs = images.map(image => (client: Client) => client.pushImage(image, `t${pushed++}`))
          await runParallel(server, 16, jobs)
          return { operations: images.length, bytes: 0 }
        }
      }
    },
  },
]

type Pushed = { tag: string; digest: string }

function getManifest(name: string, referenceOf: (pushed: Pushed) => string): Case {
  return {
    name,
    unit: 'requests/s',
    cpuPer: 'request',
    ...(!isWrkInstalled && { missing: 'wrk is not installed' }),
    setUp: async server => {
      const path = `manifests/${referenceOf(await pushImage(server))}`
      const load = { path, headers: { Accept: manifestType } }
      await runWrk(server, load, 1)
      return () => async () => {
        const { requests, seconds } = await runWrk(server, load, wrkSeconds)
        return { operations: requests, bytes: 0, seconds }
      }
    },
  }
}

/** Not by wrk, which waits for the body that Content-Length tells. */
function headManifest(): Case {
  const count = 6_000
  return {
    name: `manifest HEAD by tag, ${connections} connections`,
    unit: 'requests/s',
    cpuPer: 'request',
    setUp: async server => {
      const { tag } = await pushImage(server)
      const jobs = Array.from({ length: count }, () => (client: Client) => client.headManifest(tag))
      return () => async () => {
        await runParallel(server, connections, jobs)
        return { operations: count, bytes: 0 }
      }
    },
  }
}

async function pushImage(server: Running): Promise<Pushed> {
  using client = new Client(server)
  const image = makeImage()
  const tag = 'latest'
  await client.pushImage(image, tag)
  return { tag, digest: image.manifest.digest }
}

type Transfer = { sizeBytes: number; parallel: number; count: number }

function pullBlobs({ sizeBytes, parallel, count }: Transfer): Case {
  return {
    name: `blob GET ${sizeName(sizeBytes)}, ${parallel} at once`,
    unit: 'GB/s',
    cpuPer: 'GB',
    setUp: async server => {
      const blobs = Array.from({ length: 4 }, () => makeBlob(sizeBytes))
      using client = new Client(server)
      for (const blob of blobs) await client.pushBlob(blob)
      // docker-registry gives a blob only to a repository with a manifest that names it after its cache was lost.
      await client.putManifest(makeManifest(blobs), 'latest')
      const jobs = Array.from({ length: count }, (_, index) => {
        const blob = blobs[index % blobs.length] as Blob
        return (client: Client) => client.pullBlob(blob)
      })
      return () => async () => {
        await runParallel(server, parallel, jobs)
        return { operations: count, bytes: count * sizeBytes }
      }
    },
  }
}

type Push = Transfer & { unit: 'blobs/s' | 'GB/s'; withLogins?: true }

function pushBlobs({ sizeBytes, parallel, count, unit, withLogins }: Push): Case {
  const isLarge = unit === 'GB/s'
  return {
    name: `push ${sizeName(sizeBytes)}, ${parallel} at once${withLogins ? ', and 4 wrong logins at once all the time' : ''}`,
    unit,
    cpuPer: 'GB',
    ...(withLogins && { isForStowerOnly: true }),
    setUp: async server => () => {
      const blobs = Array.from({ length: count }, () => makeBlob(sizeBytes))
      return async () => {
        const jobs = blobs.map(
          blob => (client: Client) => (isLarge ? client.pushBlobLikeClients(blob) : client.pushBlob(blob)),
        )
        let isPushing = true
        const logins = withLogins ? Array.from({ length: 4 }, () => logInWronglyWhile(server, () => isPushing)) : []
        await runParallel(server, parallel, jobs)
        isPushing = false
        await Promise.all(logins)
        return { operations: count, bytes: count * sizeBytes }
      }
    },
  }
}

/** Each is a password that was never checked before: one argon2id of 19 MiB. */
async function logInWronglyWhile(server: Running, isWanted: () => boolean): Promise<void> {
  while (isWanted()) {
    const { status } = await logIn(server, `wrong ${crypto.randomUUID()}`)
    if (status !== 401 && status !== 429) throw new Error(`a wrong login was answered ${status}`)
  }
}

function sizeName(sizeBytes: number): string {
  return sizeBytes >= 1e6 ? `${sizeBytes / 1e6} MB` : `${sizeBytes / 1e3} KB`
}
