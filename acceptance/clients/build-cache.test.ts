import { afterAll, beforeAll, expect } from 'bun:test'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** buildkit's cache in a registry, in both its formats: as a manifest, and as an index whose children are blobs. */

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const formats = [
  { isManifest: true, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
  { isManifest: false, mediaType: 'application/vnd.oci.image.index.v1+json' },
]

for (const { isManifest, mediaType } of formats) {
  testWithClients(
    ['buildkit'],
    `buildkit exports its cache with image-manifest=${isManifest} and builds from it what it had built`,
    async () => {
      const buildkit = await stage.client('buildkit')
      const context = await makeContext()
      const repository = `cache-${isManifest}`
      const [image, cache] = [imageName(stage, repository), imageName(stage, repository, 'cache')]
      const output = ['--output', `type=image,name=${image},push=true`]
      const exported = `type=registry,ref=${cache},mode=max,image-manifest=${isManifest}`
      await buildkit.build(context, [...output, '--export-cache', exported])
      const first = await readManifest(repository, '1')
      expect((await readManifest(repository, 'cache')).type).toBe(mediaType)

      await buildkit.prune()
      const again = await buildkit.build(context, [...output, '--import-cache', `type=registry,ref=${cache}`])
      // Both steps, and nothing is built anew.
      expect(again.match(/ CACHED/g)).toHaveLength(2)
      expect((await readManifest(repository, '1')).layers).toEqual(first.layers)
    },
  )
}

testWithClients(['buildkit'], 'buildkit pushes an image with its provenance as an index of both', async () => {
  const buildkit = await stage.client('buildkit')
  const output = ['--output', `type=image,name=${imageName(stage, 'provenance')},push=true`]
  await buildkit.build(await makeContext(), [...output, '--opt', 'attest:provenance=mode=max'])
  const { manifests } = await readManifest('provenance', '1')
  expect(manifests).toHaveLength(2)
  const [image, attestation] = manifests
  expect(attestation?.annotations?.['vnd.docker.reference.type']).toBe('attestation-manifest')
  expect(attestation?.annotations?.['vnd.docker.reference.digest']).toBe(image?.digest)
})

/** Two steps that need no base and run nothing. */
async function makeContext(): Promise<string> {
  const context = await stage.newFolder('context')
  await mkdir(join(context, 'content'))
  await writeFile(join(context, 'content/file'), `of ${context}`)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY content /one\nCOPY content /two\n')
  return context
}

type Descriptor = { digest: string; annotations?: Record<string, string> }

async function readManifest(repository: string, reference: string) {
  const response = await stage.registry.request('GET', `/v2/group/${repository}/manifests/${reference}`)
  const type = response.headers.get('content-type')
  const { layers, manifests = [] } = (await response.json()) as { layers?: Descriptor[]; manifests?: Descriptor[] }
  return { type, layers: layers?.map(({ digest }) => digest), manifests }
}
