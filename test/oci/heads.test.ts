import { beforeAll, expect, test } from 'bun:test'
import { type AddressInfo, createServer } from 'node:net'
import { describeRegistry } from './describe-registry.ts'
import { ociImage, registryClient, sha256 } from './registry-client.ts'

describeRegistry('HEAD and headers', registry => {
  let image = ''
  let upload = ''
  beforeAll(async () => {
    const { client } = registry.at
    const { digest, body } = await client.pushImage('group/heads', 'v1')
    image = digest
    const referrer = JSON.stringify({
      ...JSON.parse(body),
      subject: { mediaType: ociImage, digest, size: body.length },
    })
    await client.request('PUT', `/v2/group/heads/manifests/${sha256(referrer)}`, {
      headers: { 'content-type': ociImage },
      body: referrer,
    })
    await client.pushBlob('group/heads', '')
    upload = (await client.request('POST', '/v2/group/heads/blobs/uploads/')).headers.get('location') ?? ''
  })

  /** Every path that takes GET, as it answers well and as it refuses. */
  const paths = () => [
    '/v2/',
    '/v2/_catalog',
    '/v2/_catalog?n=0',
    '/v2/_catalog?n=-1',
    '/v2/_oci/ext/discover',
    '/v2/group/heads/manifests/v1',
    `/v2/group/heads/manifests/${image}`,
    '/v2/group/heads/manifests/absent',
    `/v2/group/heads/manifests/${sha256('absent')}`,
    '/v2/group/heads/manifests/sha256:abc',
    '/v2/group/heads/manifests/-no-tag',
    `/v2/group/heads/blobs/${sha256('layer one')}`,
    `/v2/group/heads/blobs/${sha256('')}`,
    `/v2/group/heads/blobs/${sha256('absent')}`,
    '/v2/group/heads/blobs/sha256:abc',
    '/v2/group/heads/tags/list',
    '/v2/group/heads/tags/list?n=x',
    '/v2/group/absent/tags/list',
    `/v2/group/heads/referrers/${image}`,
    `/v2/group/heads/referrers/${image}?artifactType=a/b`,
    `/v2/group/absent/referrers/${image}`,
    '/v2/group/heads/referrers/sha256:abc',
    upload,
    '/v2/group/heads/blobs/uploads/none',
    '/v2/single/manifests/v1',
    '/v2/NAME/app/manifests/v1',
    '/v2/group/heads/nothing',
    '/v2/group/heads/blobs/uploads/',
  ]
  /** Different with each request, or of the connection. */
  const passing = ['date', 'x-request-id', 'connection', 'keep-alive']
  const headersOf = (answer: Response) =>
    Object.fromEntries([...answer.headers].filter(([name]) => !passing.includes(name)))

  test('HEAD is GET without its body, whoever asks and whatever is answered', async () => {
    for (const authorization of [registry.at.server.basic, '', 'Bearer x.y.z']) {
      const client = registryClient(registry.at.server, authorization)
      for (const path of paths()) {
        const [get, head] = [await client.request('GET', path), await client.request('HEAD', path)]
        const body = await get.text()
        expect([path, head.status, headersOf(head)]).toEqual([path, get.status, headersOf(get)])
        expect(await head.text()).toBe('')
        if (get.status !== 204) expect([path, head.headers.get('content-length')]).toEqual([path, `${body.length}`])
      }
    }
  })

  test('every answer names the API and the type of what it holds, and errors are JSON', async () => {
    for (const authorization of [registry.at.server.basic, '']) {
      const client = registryClient(registry.at.server, authorization)
      for (const path of paths()) {
        const answer = await client.request('GET', path)
        expect([path, answer.headers.get('docker-distribution-api-version')]).toEqual([path, 'registry/2.0'])
        const body = await answer.text()
        if (body !== '') expect([path, answer.headers.get('content-type')]).not.toEqual([path, null])
        if (answer.status < 400) continue
        expect([path, answer.headers.get('content-type')]).toEqual([path, 'application/json'])
        expect(JSON.parse(body).errors[0].code).toMatch(/^[A-Z_]+$/)
      }
    }
  })

  test('a challenge to HEAD says where to log in', async () => {
    const nobody = registryClient(registry.at.server, '')
    for (const path of ['/v2/', '/v2/group/heads/manifests/v1', `/v2/group/heads/blobs/${image}`]) {
      const head = await nobody.request('HEAD', path)
      expect([path, head.status, await head.text()]).toEqual([path, 401, ''])
      expect(head.headers.get('www-authenticate')).toStartWith('Bearer realm="http')
    }
  })

  test('parameters that mean nothing here are passed over', async () => {
    const { client } = registry.at
    for (const path of paths()) {
      const with_ = path.includes('?') ? `${path}&ns=docker.io&x=%00` : `${path}?ns=docker.io&x=%00`
      expect([path, (await client.request('GET', with_)).status]).toEqual([
        path,
        (await client.request('GET', path)).status,
      ])
    }
  })

  test('a method that a path does not take is 405 with those that it does', async () => {
    const { client } = registry.at
    for (const [method, path, allow] of [
      ['POST', '/v2/', 'GET, HEAD'],
      ['DELETE', '/v2/_catalog', 'GET, HEAD'],
      ['PATCH', '/v2/group/heads/manifests/v1', 'GET, HEAD, PUT, DELETE'],
      ['PUT', `/v2/group/heads/blobs/${sha256('layer one')}`, 'GET, HEAD, DELETE'],
      ['GET', '/v2/group/heads/blobs/uploads/', 'POST'],
      ['DELETE', '/v2/group/heads/tags/list', 'GET, HEAD'],
    ] as const) {
      const answer = await client.request(method, path)
      expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, allow])
      expect(await answer.text()).toContain('UNSUPPORTED')
    }
  })

  test('a second deletion finds nothing', async () => {
    const { client } = registry.at
    const { digest } = await client.pushImage('group/gone', 'v1', ['a layer of it'])
    for (const path of [
      '/v2/group/gone/manifests/v1',
      `/v2/group/gone/manifests/${digest}`,
      `/v2/group/gone/blobs/${sha256('a layer of it')}`,
    ]) {
      expect([path, (await client.request('DELETE', path)).status]).toEqual([path, 202])
      // At once, for everyone.
      expect([path, (await client.request('HEAD', path)).status]).toEqual([path, 404])
      expect([path, (await client.request('DELETE', path)).status]).toEqual([path, 404])
    }
    expect((await client.request('DELETE', '/v2/group/never/manifests/v1')).status).toBe(404)
  })

  test('manifests of Docker’s first schema are refused with a reason', async () => {
    const { client } = registry.at
    const schema1 = JSON.stringify({ schemaVersion: 1, name: 'group/old', tag: 'v1', fsLayers: [], history: [] })
    for (const type of [
      'application/vnd.docker.distribution.manifest.v1+json',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'application/json',
    ]) {
      const answer = await client.request('PUT', '/v2/group/old/manifests/v1', {
        headers: { 'content-type': type },
        body: schema1,
      })
      expect([type, answer.status]).toEqual([type, 400])
      const { errors } = (await answer.json()) as { errors: { code: string; message: string }[] }
      expect(errors[0]?.code).toBe('MANIFEST_INVALID')
      expect(errors[0]?.message).toMatch(/schema/i)
    }
  })

  test('what is not there is 404 with the code of what is missing', async () => {
    const absent = sha256('absent')
    const missing: [path: string, code: string][] = [
      [`group/heads/blobs/${absent}`, 'BLOB_UNKNOWN'],
      ['group/heads/manifests/absent', 'MANIFEST_UNKNOWN'],
      [`group/heads/manifests/${absent}`, 'MANIFEST_UNKNOWN'],
      ['group/absent/tags/list', 'NAME_UNKNOWN'],
      ['group/absent/manifests/v1', 'NAME_UNKNOWN'],
      [`group/absent/blobs/${absent}`, 'NAME_UNKNOWN'],
      ['absent/heads/tags/list', 'NAME_UNKNOWN'],
      ['absent/tags/list', 'NAME_UNKNOWN'],
    ]
    const answered = missing.map(async ([path]) => {
      const answer = await registry.at.client.request('GET', `/v2/${path}`)
      const { errors } = (await answer.json()) as { errors: { code: string }[] }
      return [path, answer.status, errors.map(({ code }) => code)]
    })
    expect(await Promise.all(answered)).toEqual(missing.map(([path, code]) => [path, 404, [code]]))
  })

  test('layers that lie elsewhere are neither asked for nor needed', async () => {
    const { client } = registry.at
    await client.pushBlob('group/foreign', '{}')
    let visits = 0
    const vendor = createServer(socket => {
      visits++
      socket.destroy()
    })
    await new Promise<void>(resolve => vendor.listen(0, '127.0.0.1', resolve))
    const { port } = vendor.address() as AddressInfo
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: sha256('elsewhere'),
      size: 9,
      urls: [`http://127.0.0.1:${port}/layer`],
    }
    const type = 'application/vnd.docker.distribution.manifest.v2+json'
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: { mediaType: 'application/vnd.docker.container.image.v1+json', digest: sha256('{}'), size: 2 },
      layers: [foreign],
    })
    const put = await client.request('PUT', '/v2/group/foreign/manifests/v1', {
      headers: { 'content-type': type },
      body,
    })
    expect(put.status).toBe(201)
    expect(await (await client.request('GET', '/v2/group/foreign/manifests/v1')).text()).toBe(body)
    expect((await client.request('GET', `/v2/group/foreign/blobs/${foreign.digest}`)).status).toBe(404)
    vendor.close()
    expect(visits).toBe(0)
  })
})
