import { type Blob, makeBlob, makeImage } from '../content.ts'
import type { Running } from '../contestants/contestant.ts'
import { logIn } from '../contestants/stower.ts'
import { type Client, runParallel } from '../registry.ts'
import { type Case, type Group, sizeName } from './case.ts'

/** What comes in; a group each, because what one leaves in memory and on disk is not the next one's. */
export const pushes: readonly Group[] = [
  pushBlobs({
    sizeBytes: 64e3,
    parallel: 16,
    count: 800,
    unit: 'blobs/s',
    push: (client, blob) => client.pushBlob(blob),
  }),
  pushBlobs({
    sizeBytes: 1e6,
    parallel: 16,
    count: 300,
    unit: 'blobs/s',
    push: (client, blob) => client.pushBlob(blob),
  }),
  pushBlobs({ sizeBytes: 100e6, parallel: 4, count: 12, unit: 'GB/s', push: likeClients }),
  pushBlobs({ sizeBytes: 100e6, parallel: 16, count: 16, unit: 'GB/s', push: likeClients }),
  pushBlobs({
    sizeBytes: 100e6,
    parallel: 4,
    count: 8,
    unit: 'GB/s',
    how: 'in chunks of 10 MB',
    push: (client, blob) => client.pushBlobInChunks(blob, 10e6),
  }),
  pushBlobs({ sizeBytes: 100e6, parallel: 16, count: 16, unit: 'GB/s', push: likeClients, withLogins: true }),
  {
    name: 'push of a whole small image (1 KB, 2 × 32 KB, manifest), 16 at once',
    unit: 'images/s',
    cpuPer: 'image',
    setUp: async server => {
      let pushed = 0
      return () => {
        const images = Array.from({ length: 120 }, () => makeImage())
        return async () => {
          const jobs = images.map(image => (client: Client) => client.pushImage(image, `t${pushed++}`))
          await runParallel(server, 16, jobs)
          return { operations: images.length, bytes: 0 }
        }
      }
    },
  } satisfies Case,
  {
    // Six gigabytes a round: the peak is the same every time.
    ...pushBlobs({ sizeBytes: 100e6, parallel: 64, count: 64, unit: 'MB', push: likeClients }),
    name: 'memory at its peak while 64 push 100 MB',
    mostRounds: 1,
  },
].map(load => ({ cases: [load] }))

type Push = {
  sizeBytes: number
  parallel: number
  count: number
  unit: 'blobs/s' | 'GB/s' | 'MB'
  push: (client: Client, blob: Blob) => Promise<void>
  how?: string
  withLogins?: true
}

function likeClients(client: Client, blob: Blob): Promise<void> {
  return client.pushBlobLikeClients(blob)
}

function pushBlobs({ sizeBytes, parallel, count, unit, push, how, withLogins }: Push): Case {
  const name = [
    `push ${sizeName(sizeBytes)}`,
    ...(how === undefined ? [] : [how]),
    `${parallel} at once`,
    ...(withLogins ? ['and 4 wrong logins at once all the time'] : []),
  ].join(', ')
  return {
    name,
    unit,
    cpuPer: 'GB',
    ...(withLogins && { isForStowerOnly: true }),
    setUp: async server => () => {
      const jobs = Array.from({ length: count }, () => makeBlob(sizeBytes)).map(
        blob => (client: Client) => push(client, blob),
      )
      return async () => {
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

/** Each is a password that was never checked before: one whole argon2id. */
async function logInWronglyWhile(server: Running, isWanted: () => boolean): Promise<void> {
  while (isWanted()) {
    const { status } = await logIn(server, `wrong ${crypto.randomUUID()}`)
    if (status !== 401 && status !== 429) throw new Error(`a wrong login was answered ${status}`)
  }
}
