import { createHash } from 'node:crypto'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import type { RegistryClient } from './registry-client.ts'

const { ociImage, ociIndex, ociConfig, ociLayer } = mediaTypes

/** A descriptor of content that need not be anywhere. */
export function descriptorOf(content: string, mediaType: string = ociLayer) {
  return { mediaType, digest: digestOf('sha256', content), size: Buffer.byteLength(content) }
}

/** The text of an image manifest over a config and layers. */
export function imageOf(config: string, layers: readonly string[], more: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociImage,
    config: descriptorOf(config, ociConfig),
    layers: layers.map(layer => descriptorOf(layer)),
    ...more,
  })
}

/** The text of an index over texts of manifests; `children` may be ready descriptors. */
export function indexOf(children: readonly (string | object)[], more: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: children.map(child => (typeof child === 'string' ? descriptorOf(child, mediaTypeOf(child)) : child)),
    ...more,
  })
}

export function digestOf(algorithm: 'sha256' | 'sha512', content: string): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
}

export function mediaTypeOf(manifest: string): string {
  return JSON.parse(manifest).mediaType
}

/** `PUT …/manifests/<reference>` with the manifest's own media type. */
export function putManifest(
  client: RegistryClient,
  path: string,
  manifest: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const [name, reference] = path.split(/[:@](.*)/s)
  return client.request('PUT', `/v2/${name}/manifests/${reference}`, {
    headers: { 'content-type': mediaTypeOf(manifest), ...headers },
    body: manifest,
  })
}

/** Code and digest of each error of an answer. */
export async function errorsOf(response: Response): Promise<(readonly [code: string, digest: string | undefined])[]> {
  const { errors } = (await response.json()) as { errors: { code: string; detail?: { digest?: string } }[] }
  return errors.map(({ code, detail }) => [code, detail?.digest])
}
