import { gzipSync } from 'node:zlib'
import { ociImage, type RegistryClient, sha256 } from '../../../test/oci/registry-client.ts'

const ociIndex = 'application/vnd.oci.image.index.v1+json'
/** A tar that ends before it has begun. */
const emptyTar = new Uint8Array(1024)

/** Pushes an image each for amd64 and arm64, and an index over both; resolves to their tags. */
export async function pushPlatforms(registry: RegistryClient, name: string) {
  const children = ['amd64', 'arm64']
  const manifests = []
  for (const architecture of children) {
    const { digest, size } = await pushChild(registry, name, architecture)
    manifests.push({ mediaType: ociImage, digest, size, platform: { architecture, os: 'linux' } })
  }
  const source = 'source'
  await putManifest(registry, name, source, ociIndex, { schemaVersion: 2, mediaType: ociIndex, manifests })
  return { children, source }
}

async function pushChild(registry: RegistryClient, name: string, architecture: string) {
  const layer = new Uint8Array(gzipSync(emptyTar))
  const config = JSON.stringify({
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [sha256(emptyTar)] },
    history: [{ created_by: 'acceptance' }],
  })
  return putManifest(registry, name, architecture, ociImage, {
    schemaVersion: 2,
    mediaType: ociImage,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: await registry.pushBlob(name, config),
      size: config.length,
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: await registry.pushBlob(name, layer),
        size: layer.length,
      },
    ],
  })
}

async function putManifest(registry: RegistryClient, name: string, tag: string, type: string, content: unknown) {
  const body = JSON.stringify(content)
  const headers = { 'content-type': type }
  const response = await registry.request('PUT', `/v2/${name}/manifests/${tag}`, { headers, body })
  if (response.status !== 201) throw new Error(`${name}:${tag}: ${response.status} ${await response.text()}`)
  return { digest: sha256(body), size: body.length }
}
