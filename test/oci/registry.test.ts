import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { addPerson, grant, makePublic } from '../people.ts'
import { postgresPrograms } from '../postgres-server.ts'
import { createOrganization, managementToken, startTestServer, type TestServer } from '../server.ts'
import { dockerToken, ociImage, type RegistryClient, registryClient, sha256 } from './registry-client.ts'

const engines = ['sqlite', 'postgres'] as const

for (const engine of engines) {
  const isMissing = engine === 'postgres' && !postgresPrograms()
  const describeEngine = isMissing ? describe.skip : describe
  describeEngine(`registry over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
    let server: TestServer
    let client: RegistryClient

    beforeAll(async () => {
      server = await startTestServer(engine)
      await createOrganization(server, 'group')
      client = registryClient(server)
    })
    afterAll(() => server.stop())

    const startUpload = async (name: string) => {
      const response = await client.request('POST', `/v2/${name}/blobs/uploads/`)
      expect(response.status).toBe(202)
      const location = response.headers.get('location')
      if (!location) throw new Error('no location')
      return location
    }

    test('a pushed image is pulled byte for byte, by tag and by digest', async () => {
      const { digest, body } = await client.pushImage('group/app', 'v1')
      for (const reference of ['v1', digest]) {
        const response = await client.request('GET', `/v2/group/app/manifests/${reference}`)
        expect(response.status).toBe(200)
        expect(response.headers.get('content-type')).toBe(ociImage)
        expect(response.headers.get('docker-content-digest')).toBe(digest)
        expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
        expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{20}$/)
        expect(await response.text()).toBe(body)
        const head = await client.request('HEAD', `/v2/group/app/manifests/${reference}`)
        expect(head.headers.get('content-length')).toBe(String(body.length))
        expect(head.headers.get('docker-content-digest')).toBe(digest)
      }
      const blob = await client.request('GET', `/v2/group/app/blobs/${sha256('layer one')}`)
      expect(await blob.text()).toBe('layer one')
      expect(blob.headers.get('content-type')).toBe('application/octet-stream')
      expect(blob.headers.get('content-disposition')).toBe('attachment')
    })

    test('a push makes a missing repository, private and of the category other, but no organization', async () => {
      await client.pushImage('group/born/of/push', 'v1')
      const token = await managementToken(server)
      const shown = await fetch(`${server.url}/v2/manage/namespaces/group/repos/born$of$push`, {
        headers: { 'x-auth-token': token },
      })
      expect(await shown.json()).toMatchObject({
        name: 'born/of/push',
        is_public: false,
        category: 'other',
        num_images: 1,
      })

      const missing = await client.request('POST', '/v2/nowhere/app/blobs/uploads/')
      expect(missing.status).toBe(404)
      const text = await missing.text()
      expect(text).toContain('NAME_UNKNOWN')
      expect(text).toContain('there is no organization nowhere')
    })

    test('a name without an organization is answered with the name that is meant', async () => {
      const response = await client.request('POST', '/v2/busybox/blobs/uploads/')
      expect(response.status).toBe(404)
      const text = await response.text()
      expect(text).toContain('NAME_UNKNOWN')
      expect(text).toContain(`use ${server.host}/<organization>/busybox`)
    })

    test('a missing organization is said by the push also to a client that has a token without push', async () => {
      const token = await dockerToken(server, ['repository:nowhere/app:pull,push'])
      const response = await registryClient(server, token).request('POST', '/v2/nowhere/app/blobs/uploads/')
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('there is no organization nowhere')
    })

    test('an upload in chunks gives the pushed bytes, and a chunk out of order is refused and changes nothing', async () => {
      const content = 'abcdefghijklmnopqrstuvwxyz'
      const location = await startUpload('group/chunks')
      const patch = (from: number, to: number, body = content.slice(from, to + 1)) =>
        client.request('PATCH', location, { headers: { 'content-range': `${from}-${to}` }, body })
      const first = await patch(0, 9)
      expect(first.status).toBe(202)
      expect(first.headers.get('range')).toBe('0-9')
      for (const [from, to] of [
        [0, 9],
        [5, 14],
        [11, 20],
      ] as const) {
        const refused = await patch(from, to)
        expect(refused.status).toBe(416)
        expect(refused.headers.get('range')).toBe('0-9')
      }
      expect((await patch(10, 19, 'too short')).status).toBe(400)
      const status = await client.request('GET', location)
      expect(status.status).toBe(204)
      expect(status.headers.get('range')).toBe('0-9')
      expect((await patch(10, 19)).status).toBe(202)
      const digest = sha256(content)
      const closed = await client.request('PUT', `${location}?digest=${digest}`, {
        headers: { 'content-range': '20-25' },
        body: content.slice(20),
      })
      expect(closed.status).toBe(201)
      expect(closed.headers.get('docker-content-digest')).toBe(digest)
      expect(await (await client.request('GET', `/v2/group/chunks/blobs/${digest}`)).text()).toBe(content)
      expect((await client.request('GET', location)).status).toBe(404)
    })

    test('content that is not what its digest says is refused and never readable', async () => {
      const location = await startUpload('group/wrong')
      const digest = sha256('what it should be')
      const closed = await client.request('PUT', `${location}?digest=${digest}`, { body: 'what it is' })
      expect(closed.status).toBe(400)
      expect(await closed.text()).toContain('DIGEST_INVALID')
      for (const each of [digest, sha256('what it is')]) {
        expect((await client.request('GET', `/v2/group/wrong/blobs/${each}`)).status).toBe(404)
      }
    })

    test('a cut connection keeps what came, and the upload goes on from there', async () => {
      const location = await startUpload('group/cut')
      const { hostname, port } = new URL(server.url)
      const content = 'abcdefghij'.repeat(200_000)
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(
        `PATCH ${location} HTTP/1.1\r\nHost: ${server.host}\r\nAuthorization: ${server.basic}\r\nContent-Length: ${content.length}\r\n\r\n`,
      )
      socket.write(content.slice(0, 1_000_000))
      // Bytes that reached the disk are kept; those that wait in a socket when it breaks are not promised.
      const staged = `${server.dataDir}/uploads/${location.split('/').at(-1)}`
      const kept = await until(async () => Bun.file(staged).size || undefined)
      socket.resetAndDestroy()
      const offset = await until(async () => {
        const status = await client.request('GET', location)
        const range = status.headers.get('range') ?? '0-0'
        return range === '0-0' ? undefined : Number(range.split('-')[1]) + 1
      })
      expect(offset).toBeGreaterThanOrEqual(kept)
      expect(offset).toBeLessThanOrEqual(1_000_000)
      expect((await client.request('PATCH', location, { body: content.slice(offset) })).status).toBe(202)
      const digest = sha256(content)
      expect((await client.request('PUT', `${location}?digest=${digest}`)).status).toBe(201)
      expect(await (await client.request('GET', `/v2/group/cut/blobs/${digest}`)).text()).toBe(content)
    })

    test('two that close one upload get one 201', async () => {
      const location = await startUpload('group/race')
      await client.request('PATCH', location, { body: 'raced' })
      const digest = sha256('raced')
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => client.request('PUT', `${location}?digest=${digest}`)),
      )
      const statuses = answers.map(answer => answer.status).sort()
      expect(statuses.filter(status => status === 201)).toHaveLength(1)
      for (const status of statuses) expect([201, 404, 409, 416]).toContain(status)
    })

    test('an upload is bound to its repository', async () => {
      const location = await startUpload('group/one')
      await startUpload('group/two')
      const foreign = location.replace('group/one', 'group/two')
      for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
        const path = method === 'PUT' ? `${foreign}?digest=${sha256('')}` : foreign
        expect((await client.request(method, path)).status).toBe(404)
      }
      expect((await client.request('DELETE', location)).status).toBe(204)
      expect((await client.request('GET', location)).status).toBe(404)
    })

    test('a mount links what the caller may pull and is a plain upload otherwise', async () => {
      const digest = await client.pushBlob('group/source', 'shared by two')
      const mounted = await client.request('POST', `/v2/group/target/blobs/uploads/?mount=${digest}&from=group/source`)
      expect(mounted.status).toBe(201)
      expect(mounted.headers.get('location')).toBe(`/v2/group/target/blobs/${digest}`)
      expect(await (await client.request('GET', `/v2/group/target/blobs/${digest}`)).text()).toBe('shared by two')
      expect((await client.request('DELETE', `/v2/group/source/blobs/${digest}`)).status).toBe(202)
      expect((await client.request('GET', `/v2/group/source/blobs/${digest}`)).status).toBe(404)
      expect((await client.request('GET', `/v2/group/target/blobs/${digest}`)).status).toBe(200)
      for (const from of ['group/source', 'group/absent', 'nowhere/app']) {
        const refused = await client.request('POST', `/v2/group/target2/blobs/uploads/?mount=${digest}&from=${from}`)
        expect(refused.status).toBe(202)
      }
      const narrow = registryClient(server, await dockerToken(server, ['repository:group/target3:pull,push']))
      const hidden = await narrow.request('POST', `/v2/group/target3/blobs/uploads/?mount=${digest}&from=group/target`)
      expect(hidden.status).toBe(202)
    })

    test('PUT manifest with an unknown layer answers MANIFEST_BLOB_UNKNOWN for each', async () => {
      const config = await client.pushBlob('group/lacking', '{}')
      const missing = [sha256('not here'), sha256('nor here')]
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: ociImage,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
        layers: missing.map(digest => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 8 })),
      })
      const response = await client.request('PUT', '/v2/group/lacking/manifests/v1', {
        headers: { 'content-type': ociImage },
        body,
      })
      expect(response.status).toBe(404)
      const { errors } = (await response.json()) as { errors: { code: string; detail: { digest: string } }[] }
      expect(errors.map(error => [error.code, error.detail.digest])).toEqual(
        missing.map(digest => ['MANIFEST_BLOB_UNKNOWN', digest]),
      )
      expect((await client.request('GET', '/v2/group/lacking/manifests/v1')).status).toBe(404)
    })

    test('tags are listed in byte order, a page at a time', async () => {
      const names = ['latest', 'V2', 'a', 'v1', '_x', 'v1.0']
      for (const tag of names) await client.pushImage('group/tags', tag)
      const all = await client.request('GET', '/v2/group/tags/tags/list')
      const sorted = [...names].sort()
      expect(await all.json()).toEqual({ name: 'group/tags', tags: sorted })
      const walked: string[] = []
      let next: string | undefined = '/v2/group/tags/tags/list?n=2'
      while (next) {
        const page: Response = await client.request('GET', next)
        walked.push(...((await page.json()) as { tags: string[] }).tags)
        next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
      }
      expect(walked).toEqual(sorted)
      expect((await client.request('GET', '/v2/group/tags/tags/list?n=-1')).status).toBe(400)
      expect(await (await client.request('GET', '/v2/group/tags/tags/list?n=0')).json()).toMatchObject({ tags: [] })
      expect((await client.request('GET', '/v2/group/absent/tags/list')).status).toBe(404)
    })

    test('deleting a tag leaves the rest; deleting a digest takes its tags with it', async () => {
      const { digest } = await client.pushImage('group/deletes', 'one')
      await client.pushImage('group/deletes', 'two')
      expect((await client.request('DELETE', '/v2/group/deletes/manifests/one')).status).toBe(202)
      expect((await client.request('GET', '/v2/group/deletes/manifests/one')).status).toBe(404)
      expect((await client.request('GET', '/v2/group/deletes/manifests/two')).status).toBe(200)
      expect((await client.request('DELETE', `/v2/group/deletes/blobs/${sha256('layer one')}`)).status).toBe(405)
      expect((await client.request('DELETE', `/v2/group/deletes/manifests/${digest}`)).status).toBe(202)
      expect((await client.request('GET', '/v2/group/deletes/manifests/two')).status).toBe(404)
      expect((await client.request('DELETE', `/v2/group/deletes/manifests/${digest}`)).status).toBe(404)
      expect((await client.request('DELETE', `/v2/group/deletes/blobs/${sha256('layer one')}`)).status).toBe(202)
    })

    test('the catalog lists what the caller may pull', async () => {
      const response = await client.request('GET', '/v2/_catalog?n=1000')
      const { repositories } = (await response.json()) as { repositories: string[] }
      expect(repositories).toContain('group/app')
      expect(repositories).toContain('group/born/of/push')
      const page = await client.request('GET', '/v2/_catalog?n=1')
      expect(page.headers.get('link')).toContain('/v2/_catalog?n=1&last=')
      expect((await registryClient(server, '').request('GET', '/v2/_catalog')).status).toBe(401)
    })

    test('a challenge names realm, service and scope, and a token that is too narrow is told which it lacks', async () => {
      const nobody = registryClient(server, '')
      const base = await nobody.request('GET', '/v2/')
      expect(base.status).toBe(401)
      const realm = `${server.url}/swr/auth/v2/registry/auth/`
      expect(base.headers.get('www-authenticate')).toBe(`Bearer realm="${realm}",service="dockyard"`)
      const pull = await nobody.request('GET', '/v2/group/app/manifests/v1')
      expect(pull.status).toBe(401)
      expect(pull.headers.get('www-authenticate')).toBe(
        `Bearer realm="${realm}",service="dockyard",scope="repository:group/app:pull"`,
      )
      const narrow = registryClient(server, await dockerToken(server, ['repository:group/app:pull']))
      expect((await narrow.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
      const push = await narrow.request('POST', '/v2/group/app/blobs/uploads/')
      expect(push.status).toBe(401)
      expect(push.headers.get('www-authenticate')).toBe(
        `Bearer realm="${realm}",service="dockyard",scope="repository:group/app:pull,push",error="insufficient_scope"`,
      )
      const pushOnly = registryClient(server, await dockerToken(server, ['repository:group/app:pull,push']))
      expect((await pushOnly.request('DELETE', '/v2/group/app/manifests/v1')).status).toBe(401)
      expect((await registryClient(server, 'Basic bm86bm8=').request('GET', '/v2/')).status).toBe(401)
      expect((await registryClient(server, 'Bearer x.y.z').request('GET', '/v2/')).status).toBe(401)
    })

    test('a manifest over the limit is refused while it is read', async () => {
      const body = ' '.repeat(4_194_305)
      const response = await client.request('PUT', '/v2/group/app/manifests/big', {
        headers: { 'content-type': ociImage },
        body,
      })
      expect(response.status).toBe(413)
      expect(await response.text()).toContain('SIZE_INVALID')
    })

    test('a public repository is pulled by anyone, and pushed to by nobody in particular', async () => {
      await client.pushImage('group/public', 'v1')
      await makePublic(server, 'group/public')
      const anonymous = registryClient(
        server,
        await dockerToken(server, ['repository:group/public:pull,push', 'repository:group/app:pull'], ''),
      )
      expect((await anonymous.request('GET', '/v2/group/public/manifests/v1')).status).toBe(200)
      expect((await anonymous.request('GET', `/v2/group/public/blobs/${sha256('layer one')}`)).status).toBe(200)
      expect((await anonymous.request('POST', '/v2/group/public/blobs/uploads/')).status).toBe(401)
      expect((await anonymous.request('GET', '/v2/group/app/manifests/v1')).status).toBe(401)
      expect((await registryClient(server, '').request('GET', '/v2/group/public/manifests/v1')).status).toBe(200)
    })

    test('a deleted repository answers 404 at once, and its name begins anew', async () => {
      await client.pushImage('group/short', 'v1')
      const blob = `/v2/group/short/blobs/${sha256('layer one')}`
      expect((await client.request('GET', blob)).status).toBe(200)
      const token = await managementToken(server)
      const deleted = await fetch(`${server.url}/v2/manage/namespaces/group/repos/short`, {
        method: 'DELETE',
        headers: { 'x-auth-token': token },
      })
      expect(deleted.status).toBe(204)
      expect((await client.request('GET', blob)).status).toBe(404)
      expect((await client.request('GET', '/v2/group/short/manifests/v1')).status).toBe(404)
      await startUpload('group/short')
      expect((await client.request('GET', blob)).status).toBe(404)
      expect((await client.request('GET', '/v2/group/short/manifests/v1')).status).toBe(404)
    })

    test('HEAD tells the length that GET has, of errors too', async () => {
      await client.pushImage('group/heads', 'v1')
      for (const path of ['/v2/group/heads/tags/list', '/v2/group/heads/manifests/absent', '/v2/_catalog']) {
        const [get, head] = await Promise.all([client.request('GET', path), client.request('HEAD', path)])
        const body = await get.text()
        expect([head.status, head.headers.get('content-length')]).toEqual([get.status, String(body.length)])
        expect(await head.text()).toBe('')
      }
    })

    test('who holds one repository only is told the same of a private one and of none', async () => {
      await client.pushImage('group/private', 'v1')
      await client.pushImage('group/granted', 'v1')
      const basic = await userWithGrant('group', 'granted', 3)
      const narrow = registryClient(server, basic)
      const answers = async (repository: string) =>
        Promise.all(
          [
            ['POST', `/v2/group/${repository}/blobs/uploads/`],
            ['POST', `/v2/group/${repository}/blobs/uploads/?mount=${sha256('layer one')}&from=group/granted`],
            ['GET', `/v2/group/${repository}/manifests/v1`],
            ['GET', `/v2/group/${repository}/tags/list`],
            ['DELETE', `/v2/group/${repository}/manifests/v1`],
          ].map(async ([method = '', path = '']) => {
            const answer = await narrow.request(method, path)
            return [answer.status, (await answer.text()).replaceAll(repository, 'NAME')]
          }),
        )
      expect(await answers('private')).toEqual(await answers('missing'))
      expect((await narrow.request('POST', '/v2/group/granted/blobs/uploads/')).status).toBe(202)
    })

    test('rights that are lost while a body is under way are not there at its end', async () => {
      const basic = await userWithGrant('group', 'lost-rights', 3)
      const location = (
        await registryClient(server, basic).request('POST', '/v2/group/lost-rights/blobs/uploads/')
      ).headers.get('location')
      const digest = sha256('first half, second half')
      let sendRest = () => {}
      const rest = new Promise<void>(resolve => {
        sendRest = resolve
      })
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('first half, '))
          await rest
          controller.enqueue(new TextEncoder().encode('second half'))
          controller.close()
        },
      })
      const closing = fetch(`${server.url}${location}?digest=${digest}`, {
        method: 'PUT',
        headers: { authorization: basic },
        body,
      })
      const token = await managementToken(server)
      const path = `${server.url}/v2/manage/namespaces/group/repos/lost-rights/access`
      const grants = await (await fetch(path, { headers: { 'x-auth-token': token } })).json()
      const { others_auths } = grants as { others_auths: { user_id: string }[] }
      const revoked = await fetch(path, {
        method: 'DELETE',
        headers: { 'x-auth-token': token, 'content-type': 'application/json' },
        body: JSON.stringify(others_auths.map(each => each.user_id)),
      })
      expect(revoked.status).toBe(204)
      sendRest()
      expect((await closing).status).toBe(404)
      expect((await client.request('GET', `/v2/group/lost-rights/blobs/${digest}`)).status).toBe(404)
    })

    test('referrers with large annotations come in pages that stay small', async () => {
      const { digest, body } = await client.pushImage('group/referred', 'v1')
      for (let number = 0; number < 5; number++) {
        const manifest = JSON.stringify({
          ...JSON.parse(body),
          artifactType: 'application/vnd.test',
          subject: { mediaType: ociImage, digest, size: body.length },
          annotations: { number: String(number), text: 'x'.repeat(700_000) },
        })
        const pushed = await client.request('PUT', `/v2/group/referred/manifests/${sha256(manifest)}`, {
          headers: { 'content-type': ociImage },
          body: manifest,
        })
        expect([pushed.status, pushed.headers.get('oci-subject')]).toEqual([201, digest])
      }
      const found: string[] = []
      let next: string | undefined = `/v2/group/referred/referrers/${digest}?artifactType=application%2Fvnd.test`
      while (next) {
        const page: Response = await client.request('GET', next)
        expect(page.headers.get('oci-filters-applied')).toBe('artifactType')
        const text = await page.text()
        expect(text.length).toBeLessThan(4 * 1024 * 1024)
        found.push(...(JSON.parse(text).manifests as { digest: string }[]).map(each => each.digest))
        next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
      }
      expect(new Set(found).size).toBe(5)
      expect(found).toHaveLength(5)
      const none = await client.request('GET', `/v2/group/referred/referrers/${digest}?artifactType=%00`)
      expect(await none.json()).toMatchObject({ manifests: [] })
    })

    /** `Authorization` of a new user who holds nothing but this level on one repository, which is made if need be. */
    const userWithGrant = async (organization: string, repository: string, level: number) => {
      await startUpload(`${organization}/${repository}`)
      const person = await addPerson(server, `only-${repository}`)
      await grant(server, person, `${organization}/${repository}`, level)
      return person.basic
    }

    test('history and events tell of every move of a tag', async () => {
      const first = await client.pushImage('group/history', 'latest', ['a'])
      const second = await client.pushImage('group/history', 'latest', ['b'])
      await client.request('DELETE', '/v2/group/history/manifests/latest')
      const rows = await server.database
        .selectFrom('tag_history')
        .innerJoin('repositories', 'repositories.id', 'tag_history.repository_id')
        .select(['digest_before', 'digest_after', 'actor_name'])
        .where('repositories.name', '=', 'history')
        .orderBy('tag_history.id')
        .execute()
      const hex = (bytes: Uint8Array | null) =>
        bytes ? `sha256:${Buffer.from(bytes.subarray(1)).toString('hex')}` : null
      expect(rows.map(row => [hex(row.digest_before), hex(row.digest_after)])).toEqual([
        [null, first.digest],
        [first.digest, second.digest],
        [second.digest, null],
      ])
      const events = await server.database
        .selectFrom('events')
        .select(['kind', 'source_address', 'request_id', 'actor_name'])
        .where('kind', 'in', ['tag.moved', 'tag.deleted'])
        .orderBy('id', 'desc')
        .limit(3)
        .execute()
      expect(events.map(event => event.kind)).toEqual(['tag.deleted', 'tag.moved', 'tag.moved'])
      expect(events[0]).toMatchObject({ source_address: '127.0.0.1', actor_name: 'user1' })
      expect(events[0]?.request_id).toMatch(/^[0-9a-f]{20}$/)
    })
  })
}

/** Asks again until there is an answer, for at most five seconds. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = performance.now() + 5_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > giveUpAt) throw new Error('no answer in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
