import { afterAll, beforeAll, expect } from 'bun:test'
import { listFiles } from '../image-facts.ts'
import type { ClientName, Pushed } from './client.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** What each client pushes, every other client pulls back: with the login by key, and once more after a crash. */

/** The kind of manifest that each pushes of its own accord. */
const pushers: readonly [name: ClientName, mediaType: string][] = [
  ['docker', 'application/vnd.docker.distribution.manifest.v2+json'],
  ['skopeo', 'application/vnd.oci.image.manifest.v1+json'],
  ['podman', 'application/vnd.oci.image.manifest.v1+json'],
  ['buildah', 'application/vnd.oci.image.manifest.v1+json'],
  ['crane', 'application/vnd.docker.distribution.manifest.v2+json'],
]

const names = pushers.map(([name]) => name)
const pushed = new Map<ClientName, Pushed>()
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

for (const [pusher, mediaType] of pushers) {
  testWithClients([pusher], `${pusher} pushes an image of six layers`, async () => {
    const client = await stage.client(pusher)
    const image = await client.push(await stage.content(), imageName(stage, pusher))
    expect(image.facts.layers).toHaveLength(6)
    expect(image.facts.files).toEqual(await contentFiles())
    pushed.set(pusher, image)
  })

  testWithClients([pusher, 'crane'], `what ${pusher} pushed is of the type ${mediaType}`, async () => {
    const { crane } = await stage.client('crane')
    expect(JSON.parse(await crane(['manifest', imageName(stage, pusher)])).mediaType).toBe(mediaType)
  })

  for (const puller of names.filter(name => name !== pusher)) {
    testWithClients([pusher, puller], `${puller} pulls byte for byte what ${pusher} pushed`, () =>
      expectSame(pusher, puller),
    )
  }
}

testWithClients(names, 'kill -9 after the pushes loses nothing: each is pulled again byte for byte', async () => {
  await stage.program.kill9()
  await stage.program.restart()
  // Each is fetched by its right neighbour.
  for (const [index, pusher] of names.entries()) {
    await expectSame(pusher, names[(index + 1) % names.length] ?? pusher)
  }
})

testWithClients(['docker'], 'docker finds in the registry what it pushed before, and sends nothing twice', async () => {
  const { docker } = await stage.client('docker')
  const image = imageName(stage, 'docker')
  await docker(['pull', image])
  const output = await docker(['push', image])
  expect(output.match(/Layer already exists/g)).toHaveLength(6)
  expect(output).toContain(`digest: ${pushed.get('docker')?.digest}`)
})

async function expectSame(pusher: ClientName, puller: ClientName): Promise<void> {
  const original = pushed.get(pusher)
  if (!original) throw new Error(`${pusher} pushed nothing`)
  const client = await stage.client(puller, 'access key')
  expect(await client.pull(imageName(stage, pusher))).toEqual(original)
}

async function contentFiles(): Promise<Record<string, string>> {
  const perLayer = await Promise.all((await stage.content()).layers.map(listFiles))
  return Object.assign({}, ...perLayer)
}
