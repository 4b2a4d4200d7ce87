import { afterAll, beforeAll, expect } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFile } from '../image-facts.ts'
import { packLayer } from '../images.ts'
import type { ClientName } from './client.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** One name for several platforms: an OCI index of crane's and a manifest list of podman's. */

const platforms = ['linux/amd64', 'linux/arm64/v8', 'linux/s390x'] as const
const list = 'application/vnd.docker.distribution.manifest.list.v2+json'
const ociIndex = 'application/vnd.oci.image.index.v1+json'
let stage: Stage

beforeAll(async () => {
  stage = await openStage({ layerCount: 2 })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

testWithClients(['crane'], 'crane pushes an OCI index of three platforms, and each is found under it', async () => {
  const { crane } = await stage.client('crane')
  const work = await stage.newFolder('index')
  const children: string[] = []
  for (const [index, platform] of platforms.entries()) {
    // Each platform has a layer of its own and one that it shares with the others.
    const tars = [join(work, 'shared.tar'), join(work, `${index}.tar`)] as const
    await packLayer((await stage.content()).layers[0] ?? '', tars[0])
    const own = await stage.newFolder('platform')
    await Bun.write(join(own, 'platform'), platform)
    await packLayer(own, tars[1])
    const child = imageName(stage, 'crane', `child-${index}`)
    await crane(['append', '--oci-empty-base', '-f', tars[0], '-f', tars[1], '-t', child])
    await crane(['mutate', '--set-platform', platform, child, '-t', child])
    children.push(child)
  }
  const image = imageName(stage, 'crane')
  await crane(['index', 'append', ...children.flatMap(child => ['-m', child]), '-t', image])
  const index = JSON.parse(await crane(['manifest', image]))
  expect(index.mediaType).toBe(ociIndex)
  expect(index.manifests).toHaveLength(platforms.length)
  for (const [at, platform] of platforms.entries()) {
    expect(await crane(['digest', '--platform', platform, image])).toBe(`${index.manifests[at].digest}\n`)
  }
  await crane(['validate', '--remote', image])
})

testWithClients(['crane', 'podman'], 'podman pushes the index with all its platforms (--all)', async () => {
  const { podman } = await stage.client('podman')
  const [from, to] = [imageName(stage, 'crane'), imageName(stage, 'podman')]
  await podman(['manifest', 'create', 'three-platforms'])
  await podman(['manifest', 'add', '--all', '--tls-verify=false', 'three-platforms', `docker://${from}`])
  await podman(['manifest', 'push', '--all', '--tls-verify=false', 'three-platforms', `docker://${to}`])
  expect(await childDigests(to)).toEqual(await childDigests(from))
  await validate(to)
})

testWithClients(['crane', 'podman'], 'podman pushes the platforms as a Docker manifest list', async () => {
  const { podman } = await stage.client('podman')
  const to = imageName(stage, 'podman', 'list')
  const push = ['manifest', 'push', '--all', '--format', 'v2s2', '--tls-verify=false']
  await podman([...push, 'three-platforms', `docker://${to}`])
  const { crane } = await stage.client('crane')
  const pushed = JSON.parse(await crane(['manifest', to]))
  expect(pushed.mediaType).toBe(list)
  expect(pushed.manifests).toHaveLength(platforms.length)
  await validate(to)
})

for (const tag of ['1', 'list']) {
  testWithClients(
    ['crane', 'podman', 'skopeo'],
    `skopeo copies podman:${tag} with all platforms out and in`,
    async () => {
      const { skopeo } = await stage.client('skopeo')
      const folder = await stage.newFolder('all')
      const [from, to] = [imageName(stage, 'podman', tag), imageName(stage, 'skopeo', tag)]
      // Of an index of crane's skopeo 1.9 drops the field artifactType; what podman writes it copies as it is.
      const copy = ['copy', '--all', '--preserve-digests']
      await skopeo([...copy, '--src-tls-verify=false', `docker://${from}`, `dir:${folder}`])
      await skopeo([...copy, '--dest-tls-verify=false', `dir:${folder}`, `docker://${to}`])
      const { crane } = await stage.client('crane')
      const index = await crane(['manifest', from])
      expect(await crane(['manifest', to])).toBe(index)
      expect(await readFile(join(folder, 'manifest.json'), 'utf8')).toBe(index)
      for (const digest of await childDigests(from)) {
        const file = join(folder, `${digest.slice('sha256:'.length)}.manifest.json`)
        expect((await describeFile(file)).digest).toBe(digest)
      }
      await validate(to)
    },
  )
}

testWithClients(['crane', 'skopeo'], "skopeo copies crane's index with the same children", async () => {
  const { skopeo } = await stage.client('skopeo')
  const [from, to] = [imageName(stage, 'crane'), imageName(stage, 'skopeo', 'of-crane')]
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']
  await skopeo(['copy', '--all', ...plain, `docker://${from}`, `docker://${to}`])
  expect(await childDigests(to)).toEqual(await childDigests(from))
  await validate(to)
})

for (const name of ['docker', 'podman', 'buildah', 'skopeo'] as const satisfies readonly ClientName[]) {
  for (const [repository, tag] of [
    ['crane', '1'],
    ['podman', 'list'],
  ] as const) {
    testWithClients(
      ['crane', 'podman', name],
      `${name} pulls its own platform out of the index ${repository}:${tag}`,
      async () => {
        const { facts } = await (await stage.client(name, 'access key')).pull(imageName(stage, repository, tag))
        const platform = process.arch === 'arm64' ? 'linux/arm64/v8' : 'linux/amd64'
        expect(facts.files.platform).toBe(`sha256:${new Bun.CryptoHasher('sha256').update(platform).digest('hex')}`)
      },
    )
  }
}

async function childDigests(image: string): Promise<string[]> {
  const { crane } = await stage.client('crane')
  return JSON.parse(await crane(['manifest', image])).manifests.map(({ digest }: { digest: string }) => digest)
}

/** Fetches everything below the index and compares it with its digests and sizes. */
async function validate(image: string): Promise<void> {
  const { crane } = await stage.client('crane')
  await crane(['validate', '--remote', image])
}
