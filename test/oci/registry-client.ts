import { createHash } from 'node:crypto'
import type { TestServer } from '../server.ts'

/** Raw requests to a registry, for tests that look at the wire. */
export type RegistryClient = {
  request: (
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> | ReadableStream | string },
  ) => Promise<Response>
  /** Pushes a blob in one POST; its digest. */
  pushBlob: (name: string, content: Uint8Array<ArrayBuffer> | string) => Promise<string>
  /** Pushes an image manifest over one config and some layers; its digest and bytes. */
  pushImage: (name: string, tag: string, layers?: readonly string[]) => Promise<{ digest: string; body: string }>
}

export function registryClient(
  server: Pick<TestServer, 'url' | 'basic'>,
  authorization = server.basic,
): RegistryClient {
  const request: RegistryClient['request'] = (method, path, options = {}) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { ...(authorization && { authorization }), ...options.headers },
      ...(options.body !== undefined && { body: options.body }),
      redirect: 'manual',
    })
  const pushBlob: RegistryClient['pushBlob'] = async (name, content) => {
    const digest = sha256(content)
    const response = await request('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: content })
    if (response.status !== 201) throw new Error(`blob: ${response.status} ${await response.text()}`)
    return digest
  }
  return {
    request,
    pushBlob,
    pushImage: async (name, tag, layers = ['layer one', 'layer two']) => {
      const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } })
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: ociImage,
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          digest: await pushBlob(name, config),
          size: config.length,
        },
        layers: await Promise.all(
          layers.map(async layer => ({
            mediaType: 'application/vnd.oci.image.layer.v1.tar',
            digest: await pushBlob(name, layer),
            size: layer.length,
          })),
        ),
      })
      const response = await request('PUT', `/v2/${name}/manifests/${tag}`, {
        headers: { 'content-type': ociImage },
        body,
      })
      if (response.status !== 201) throw new Error(`manifest: ${response.status} ${await response.text()}`)
      return { digest: sha256(body), body }
    },
  }
}

export const ociImage = 'application/vnd.oci.image.manifest.v1+json'

export function sha256(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** A docker token of the server for these scopes. */
export async function dockerToken(
  server: TestServer,
  scopes: readonly string[],
  basic = server.basic,
): Promise<string> {
  const query = scopes.map(scope => `scope=${encodeURIComponent(scope)}`).join('&')
  const response = await fetch(`${server.url}/swr/auth/v2/registry/auth/?service=dockyard&${query}`, {
    headers: basic === '' ? {} : { authorization: basic },
  })
  if (response.status !== 200) throw new Error(`token: ${response.status} ${await response.text()}`)
  const { token } = (await response.json()) as { token: string }
  return `Bearer ${token}`
}
