import { afterAll, beforeAll, expect } from 'bun:test'
import { createOrganization } from '../program.ts'
import { refusalOf } from './refusal.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** What clients do with a repository besides pushing and pulling: list, delete, copy without sending, convert. */

let stage: Stage

beforeAll(async () => {
  stage = await openStage({ layerCount: 3 })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

testWithClients(
  ['crane', 'skopeo', 'podman', 'docker'],
  'crane, skopeo and podman list the tags, docker pulls all',
  async () => {
    const { crane } = await stage.client('crane')
    const tags = ['1', 'Latest_2', 'b', 'v1.0-rc.1']
    const image = imageName(stage, 'tags', tags[0])
    const { digest } = await (await stage.client('crane')).push(await stage.content(), image)
    for (const tag of tags.slice(1)) await crane(['tag', image, tag])

    const repository = `${stage.program.host}/group/tags`
    expect((await crane(['ls', repository])).trim().split('\n').sort()).toEqual(tags)
    const { skopeo } = await stage.client('skopeo')
    const listed = JSON.parse(await skopeo(['list-tags', '--tls-verify=false', `docker://${repository}`]))
    expect(listed.Tags.sort()).toEqual(tags)
    const { podman } = await stage.client('podman')
    const found = await podman(['search', '--list-tags', '--tls-verify=false', repository])
    const rows = found.split('\n').filter(row => row.startsWith(repository))
    expect(rows.map(row => row.slice(repository.length).trim()).sort()).toEqual(tags)
    const { docker } = await stage.client('docker')
    const output = await docker(['pull', '--all-tags', repository])
    expect(output.match(new RegExp(digest, 'g'))).toHaveLength(tags.length)
    const local = await docker(['images', '--format', '{{.Tag}}', repository])
    expect(local.trim().split('\n').sort()).toEqual(tags)
  },
)

testWithClients(['crane'], 'crane finds the repositories it may pull from in the catalog', async () => {
  const crane = await stage.client('crane')
  await crane.push(await stage.content(), imageName(stage, 'catalog/one'))
  await crane.push(await stage.content(), imageName(stage, 'catalog/two'))
  const listed = (await crane.crane(['catalog', stage.program.host])).trim().split('\n')
  expect(listed.filter(name => name.startsWith('group/catalog/'))).toEqual(['group/catalog/one', 'group/catalog/two'])
})

testWithClients(['crane'], 'crane deletes by digest: all tags of the manifest go with it, others stay', async () => {
  const client = await stage.client('crane')
  const { crane } = client
  const image = imageName(stage, 'by-digest')
  const { digest } = await client.push(await stage.content(), image)
  await crane(['tag', image, 'again'])
  await crane(['mutate', image, '--label', 'other=yes', '-t', imageName(stage, 'by-digest', 'other')])
  const repository = `${stage.program.host}/group/by-digest`
  await crane(['delete', `${repository}@${digest}`])
  expect(await crane(['ls', repository])).toBe('other\n')
  expect(await refusalOf(crane(['manifest', `${repository}@${digest}`]))).toContain('MANIFEST_UNKNOWN')
  await crane(['validate', '--remote', imageName(stage, 'by-digest', 'other')])
})

testWithClients(['crane'], 'crane deletes a tag: the manifest stays under its digest and its other tag', async () => {
  const client = await stage.client('crane')
  const { crane } = client
  const image = imageName(stage, 'by-tag')
  const { digest } = await client.push(await stage.content(), image)
  await crane(['tag', image, 'kept'])
  await crane(['delete', image])
  expect(await crane(['ls', `${stage.program.host}/group/by-tag`])).toBe('kept\n')
  expect(await refusalOf(crane(['manifest', image]))).toContain('MANIFEST_UNKNOWN')
  expect(await crane(['digest', imageName(stage, 'by-tag', 'kept')])).toBe(`${digest}\n`)
})

testWithClients(['skopeo'], 'skopeo deletes an image', async () => {
  const client = await stage.client('skopeo')
  const image = imageName(stage, 'deleted-by-skopeo')
  await client.push(await stage.content(), image)
  await client.skopeo(['delete', '--tls-verify=false', `docker://${image}`])
  expect(await refusalOf(client.pull(image))).toMatch(/manifest unknown/i)
})

testWithClients(
  ['crane'],
  'crane copies to another repository and another organization by mounts, not by sending',
  async () => {
    const client = await stage.client('crane')
    const image = imageName(stage, 'mount-source')
    const { digest } = await client.push(await stage.content(), image)
    await createOrganization(stage.program, 'mounts')
    for (const target of [imageName(stage, 'mount-target'), `${stage.program.host}/mounts/target:1`]) {
      const output = await client.crane(['copy', image, target])
      // Three layers and the configuration.
      expect(output.match(/mounted blob/g)).toHaveLength(4)
      expect(output).not.toContain('pushed blob')
      expect((await client.pull(target)).digest).toBe(digest)
    }
  },
)

testWithClients(['docker'], 'docker mounts what it pushed to another repository before', async () => {
  const client = await stage.client('docker')
  const [from, to] = [imageName(stage, 'docker-source'), imageName(stage, 'docker-target')]
  const pushed = await client.push(await stage.content(), from)
  await client.docker(['tag', from, to])
  const output = await client.docker(['push', to])
  expect(output.match(/Mounted from group\/docker-source/g)).toHaveLength(3)
  expect(await client.pull(to)).toEqual(pushed)
})

const conversions = [
  ['v2s2', 'application/vnd.docker.distribution.manifest.v2+json'],
  ['oci', 'application/vnd.oci.image.manifest.v1+json'],
] as const

for (const [format, mediaType] of conversions) {
  testWithClients(
    ['skopeo', 'docker'],
    `skopeo copies to the format ${format}, and docker pulls the same files`,
    async () => {
      const client = await stage.client('skopeo')
      const [from, to] = [imageName(stage, 'convert', `from-${format}`), imageName(stage, 'convert', `to-${format}`)]
      const { facts } = await client.push(await stage.content(), from)
      const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--format', format]
      await client.skopeo(['copy', ...flags, `docker://${from}`, `docker://${to}`])
      const manifest = JSON.parse(await client.skopeo(['inspect', '--raw', '--tls-verify=false', `docker://${to}`]))
      expect(manifest.mediaType).toBe(mediaType)
      expect((await (await stage.client('docker')).pull(to)).facts).toEqual(facts)
    },
  )
}
