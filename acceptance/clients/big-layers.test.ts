import { afterAll, beforeAll, expect } from 'bun:test'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFile } from '../image-facts.ts'
import { packLayer, writeNoise, writeOciLayout } from '../images.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** As large as layers of real images get, and more than the 128 MiB that Bun takes of a body unless it is told otherwise. */
const bigBytes = 300 * 1024 * 1024
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

testWithClients(['docker', 'skopeo'], 'a layer of 300 MiB goes from docker to skopeo byte for byte', async () => {
  const tar = await makeBigTar('from docker')
  const { docker } = await stage.client('docker')
  const image = imageName(stage, 'from-docker')
  await docker(['import', tar, image])
  await docker(['push', image])
  const pulled = await (await stage.client('skopeo')).pull(image)
  expect(pulled.facts.layers).toEqual([(await describeFile(tar)).digest])
  await rm(tar)
})

testWithClients(['skopeo', 'docker'], 'a layer of 300 MiB goes from skopeo to docker byte for byte', async () => {
  const tar = await makeBigTar('from skopeo')
  const layout = await stage.newFolder('layout')
  const digest = await writeOciLayout(layout, [tar])
  const { skopeo } = await stage.client('skopeo')
  const image = imageName(stage, 'from-skopeo')
  await skopeo(['copy', '--dest-tls-verify=false', `oci:${layout}:1`, `docker://${image}`])
  const pulled = await (await stage.client('docker')).pull(image)
  expect(pulled.digest).toBe(digest)
  expect(pulled.facts.layers).toEqual([(await describeFile(tar)).digest])
})

/** A layer that doesn't compress, different for each seed, so that no client finds it already there. */
async function makeBigTar(seed: string): Promise<string> {
  const folder = await stage.newFolder('big')
  const content = join(folder, 'content')
  await mkdir(content)
  await writeNoise(join(content, 'noise'), bigBytes, seed)
  const tar = join(folder, 'layer.tar')
  await packLayer(content, tar)
  await rm(content, { recursive: true })
  return tar
}
