import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeRegistry } from './describe-registry.ts'
import { imageOf, putManifest } from './operations.ts'
import { sha256 } from './registry-client.ts'

const sha512 = (content: string) => `sha512:${createHash('sha512').update(content).digest('hex')}`

/** Whatever is done to the bytes or to their name, nothing is served under a digest that is not its own. */
describeRegistry('a digest is that of what is stored', registry => {
  const startUpload = async (name: string, query = '') => {
    const answer = await registry.at.client.request('POST', `/v2/${name}/blobs/uploads/${query}`)
    return answer.headers.get('location') ?? ''
  }
  const stagedFile = (location: string) => join(registry.at.server.dataDir, 'uploads', location.split('/').at(-1) ?? '')
  const read = async (name: string, digest: string) => {
    const answer = await registry.at.client.request('GET', `/v2/${name}/blobs/${digest}`)
    return answer.status === 200 ? answer.text() : answer.status
  }

  test('bytes that changed on disk between two requests are not published as what came', async () => {
    const { server, client } = registry.at
    const location = await startUpload('group/changed')
    expect((await client.request('PATCH', location, { body: 'what came' })).status).toBe(202)
    await server.restart()
    writeFileSync(stagedFile(location), 'what else')
    const closed = await client.request('PUT', `${location}?digest=${sha256('what came')}`)
    expect([closed.status, (await closed.text()).includes('DIGEST_INVALID')]).toEqual([400, true])
    for (const content of ['what came', 'what else']) expect(await read('group/changed', sha256(content))).toBe(404)
  })

  test.each(['with', 'without'])('bytes past the offset are no part of the upload, %s a restart', async restart => {
    const { server, client } = registry.at
    const name = `group/past-${restart}`
    const location = await startUpload(name)
    await client.request('PATCH', location, { body: 'counted, ' })
    appendFileSync(stagedFile(location), 'left behind by a crash')
    if (restart === 'with') await server.restart()
    const digest = sha256('counted, and the rest')
    expect((await client.request('PUT', `${location}?digest=${digest}`, { body: 'and the rest' })).status).toBe(201)
    expect(await read(name, digest)).toBe('counted, and the rest')
  })

  test('bytes that are gone from disk are not published, and the upload is not told as longer than it is', async () => {
    const { server, client } = registry.at
    const location = await startUpload('group/gone')
    await client.request('PATCH', location, { body: 'some of it' })
    await server.restart()
    writeFileSync(stagedFile(location), readFileSync(stagedFile(location)).subarray(0, 4))
    const closed = await client.request('PUT', `${location}?digest=${sha256('some of it')}`)
    expect(closed.status).toBeGreaterThanOrEqual(400)
    expect(await read('group/gone', sha256('some of it'))).toBe(404)
  })

  test('one content under both algorithms is two names, each with its own answer and its own end', async () => {
    const { client } = registry.at
    const name = 'group/both'
    for (const digest of [sha256('shared'), sha512('shared')]) {
      const pushed = await client.request('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: 'shared' })
      expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, digest])
    }
    for (const digest of [sha256('shared'), sha512('shared')]) {
      const head = await client.request('HEAD', `/v2/${name}/blobs/${digest}`)
      expect([head.headers.get('docker-content-digest'), head.headers.get('etag')]).toEqual([digest, `"${digest}"`])
    }
    const other = await client.request('GET', `/v2/${name}/blobs/${sha512('shared')}`, {
      headers: { 'if-none-match': `"${sha256('shared')}"` },
    })
    expect(other.status).toBe(200)
    expect((await client.request('DELETE', `/v2/${name}/blobs/${sha256('shared')}`)).status).toBe(202)
    expect(await read(name, sha256('shared'))).toBe(404)
    expect(await read(name, sha512('shared'))).toBe('shared')
  })

  test('content is there under the algorithm it was pushed with, and under no other', async () => {
    const { client } = registry.at
    const name = 'group/one-algorithm'
    await client.pushBlob(name, '{}')
    await client.pushBlob(name, 'layer')
    const image = imageOf('layer')
    expect((await putManifest(client, name, sha512(image), image)).status).toBe(201)
    const manifest = (digest: string) => client.request('GET', `/v2/${name}/manifests/${digest}`)
    expect((await manifest(sha512(image))).headers.get('docker-content-digest')).toBe(sha512(image))
    expect((await manifest(sha256(image))).status).toBe(404)
    expect(await read(name, sha512('layer'))).toBe(404)
  })

  test.each([
    ['announced as sha512, named by sha256', '?digest-algorithm=sha512', sha256('content'), 201],
    ['announced as sha512, named by sha512', '?digest-algorithm=sha512', sha512('content'), 201],
    ['not announced, named by sha512', '', sha512('content'), 201],
    ['announced as sha512, named by the sha256 of something else', '?digest-algorithm=sha512', sha256('other'), 400],
    ['not announced, named by the sha512 of something else', '', sha512('other'), 400],
    ['named by half of a sha512', '', sha512('content').slice(0, 7 + 64), 400],
    ['named by a sha256 that is called sha512', '', sha256('content').replace('256', '512'), 400],
    ['named in capitals', '', sha256('content').toUpperCase().replace('SHA', 'sha'), 400],
    ['named with blanks around', '', `%20${sha256('content')}`, 400],
    ['named twice, the first one wrong', '', `${sha256('other')}&digest=${sha256('content')}`, 400],
    ['named by an algorithm that is not known', '', 'md5:9a0364b9e99bb480dd25e1f0284c8555', 400],
  ] as const)('an upload %s', async (what, query, digest, status) => {
    const { client } = registry.at
    const name = `group/alias-${sha256(what).slice(7, 19)}`
    const location = await startUpload(name, query)
    await client.request('PATCH', location, { body: 'con' })
    const closed = await client.request('PUT', `${location}?digest=${digest}`, { body: 'tent' })
    expect(closed.status).toBe(status)
    if (status === 201) expect(await read(name, digest)).toBe('content')
    else
      for (const each of [sha256('content'), sha512('content'), sha256('other'), sha512('other')]) {
        expect(await read(name, each)).toBe(404)
      }
  })

  test('an algorithm that is not known is refused before a byte is taken', async () => {
    const answer = await registry.at.client.request('POST', '/v2/group/md5/blobs/uploads/?digest-algorithm=md5')
    expect([answer.status, (await answer.text()).includes('DIGEST_INVALID')]).toEqual([400, true])
  })

  test('a manifest under a digest that is not its own is refused, whichever algorithm names it', async () => {
    const { client } = registry.at
    await client.pushBlob('group/other-digest', '{}')
    await client.pushBlob('group/other-digest', 'layer')
    const image = imageOf('layer')
    for (const digest of [sha256(`${image} `), sha512(`${image} `)]) {
      const answer = await putManifest(client, 'group/other-digest', digest, image)
      expect([answer.status, (await answer.text()).includes('DIGEST_INVALID')]).toEqual([400, true])
      expect((await client.request('GET', `/v2/group/other-digest/manifests/${digest}`)).status).toBe(404)
    }
  })
})
