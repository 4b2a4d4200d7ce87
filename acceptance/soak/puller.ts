import { setTimeout as sleep } from 'node:timers/promises'
import { between, Client, chance, type Image, type World } from './client.ts'
import { headerOf } from './connection.ts'
import { Comparison, type Content } from './content.ts'

/** Pulls whatever there is, and holds every byte against what was pushed. */
export async function pullUntilStopped(world: World): Promise<void> {
  using client = new Client(world)
  while (!world.shouldStop()) {
    const image = world.images.any()
    if (image) await pull(client, image)
    else await sleep(50)
  }
}

async function pull(client: Client, image: Image): Promise<void> {
  const path = `/v2/${image.repository}/manifests/${chance(0.5) ? image.tag : image.digest}`
  if (chance(0.3)) await client.send('HEAD manifest', { method: 'HEAD', path }, { explanations: whenGoing })
  const received: Uint8Array[] = []
  // The chunk's memory is the socket's own again after the call.
  const take = (bytes: Uint8Array) => void received.push(new Uint8Array(bytes))
  const answer = await client.send('GET manifest', { method: 'GET', path }, { take, explanations: whenGoing })
  if (answer?.status !== 200) return complainUnlessGoing(client, image, answer?.status)
  if (!Buffer.concat(received).equals(image.body)) client.world.tally.fault(`the manifest ${image.digest} came changed`)
  if (headerOf(answer.headers, 'docker-content-digest') !== image.digest) {
    client.world.tally.fault(`the manifest ${image.digest} came under another digest`)
  }
  for (const blob of image.blobs) await pullBlob(client, image, blob)
}

async function pullBlob(client: Client, image: Image, blob: Content): Promise<void> {
  const isPart = blob.sizeBytes > 100 && chance(0.15)
  const from = isPart ? between(0, blob.sizeBytes - 50) : 0
  const comparison = new Comparison(blob, { from, to: blob.sizeBytes })
  const answer = await client.send(
    isPart ? 'GET blob range' : 'GET blob',
    {
      method: 'GET',
      path: `/v2/${image.repository}/blobs/${blob.digest}`,
      ...(isPart && { headers: { Range: `bytes=${from}-` } }),
    },
    { take: bytes => comparison.take(bytes), explanations: whenGoing },
  )
  if (answer === undefined) return
  if (answer.status !== 200 && answer.status !== 206) return complainUnlessGoing(client, image, answer.status)
  if (!comparison.isWhole) client.world.tally.fault(`the blob ${blob.digest} came changed`)
}

/** That it really is is looked at afterwards. */
const whenGoing = { 404: 'it is being deleted' }

function complainUnlessGoing(client: Client, image: Image, status: number | undefined): void {
  if (status === 404 && !image.isGoing) client.world.tally.fault(`${image.repository}:${image.tag} is missing a part`)
}
