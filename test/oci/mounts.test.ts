import { expect, test } from 'bun:test'
import { addPerson, grant, makePublic } from '../people.ts'
import { describeRegistry } from './describe-registry.ts'
import { dockerToken, registryClient, sha256 } from './registry-client.ts'

describeRegistry('mounts', registry => {
  const mount = (client: ReturnType<typeof registryClient>, name: string, digest: string, from?: string) =>
    client.request('POST', `/v2/${name}/blobs/uploads/?mount=${digest}${from === undefined ? '' : `&from=${from}`}`)

  test('without a source, a blob that the caller may read somewhere is linked', async () => {
    const { client } = registry.at
    const digest = await client.pushBlob('group/somewhere', 'found by its digest')
    const mounted = await mount(client, 'group/found', digest)
    expect(mounted.status).toBe(201)
    expect(mounted.headers.get('location')).toBe(`/v2/group/found/blobs/${digest}`)
    expect(mounted.headers.get('docker-content-digest')).toBe(digest)
    expect(await (await client.request('GET', `/v2/group/found/blobs/${digest}`)).text()).toBe('found by its digest')
    // What is there already is there.
    expect((await mount(client, 'group/found', digest)).status).toBe(201)
    expect((await client.request('DELETE', `/v2/group/somewhere/blobs/${digest}`)).status).toBe(202)
    expect((await client.request('GET', `/v2/group/found/blobs/${digest}`)).status).toBe(200)
  })

  test('a blob that lies only where the caller does not see it is answered as one that is nowhere', async () => {
    const { server, client } = registry.at
    const digest = await client.pushBlob('group/hidden', 'nothing to see here')
    await client.pushBlob('group/own', 'something else')
    const user = await addPerson(server, 'mounting')
    await grant(server, user, 'group/own', 3)
    const narrow = registryClient(server, user.basic)
    const answers = async () =>
      Promise.all(
        [digest, sha256('nowhere at all')].map(async each => {
          const answer = await mount(narrow, 'group/own', each)
          const names = [...answer.headers.keys()].sort()
          const location = answer.headers.get('location')?.replace(/[0-9a-f-]{36}$/, 'ID')
          return { status: answer.status, names, location, body: await answer.text() }
        }),
      )
    const [hidden, absent] = await answers()
    expect(hidden).toEqual(absent)
    expect(hidden?.status).toBe(202)
    expect((await narrow.request('GET', `/v2/group/own/blobs/${digest}`)).status).toBe(404)
    // The same with the source named.
    expect((await mount(narrow, 'group/own', digest, 'group/hidden')).status).toBe(202)

    await grant(server, user, 'group/hidden', 1)
    expect((await mount(narrow, 'group/own', digest)).status).toBe(201)
  })

  test('a blob of a public repository may be linked by everyone who may push', async () => {
    const { server, client } = registry.at
    const digest = await client.pushBlob('group/for-all', 'public content')
    await client.pushBlob('group/guests', 'theirs')
    const user = await addPerson(server, 'guest')
    await grant(server, user, 'group/guests', 3)
    const guest = registryClient(server, user.basic)
    expect((await mount(guest, 'group/guests', digest)).status).toBe(202)
    await makePublic(server, 'group/for-all')
    expect((await mount(guest, 'group/guests', digest)).status).toBe(201)
  })

  test('a token reaches as far as its scopes, with a source and without', async () => {
    const { server, client } = registry.at
    const digest = await client.pushBlob('group/scoped', 'out of scope')
    const push = 'repository:group/scoped-target:pull,push'
    const narrow = registryClient(server, await dockerToken(server, [push]))
    for (const from of [undefined, '', 'group/scoped', 'group/absent', 'single', 'NOT/A/NAME']) {
      expect([from, (await mount(narrow, 'group/scoped-target', digest, from)).status]).toEqual([from, 202])
    }
    const wide = registryClient(server, await dockerToken(server, [push, 'repository:group/scoped:pull']))
    expect((await mount(wide, 'group/scoped-target', digest)).status).toBe(201)
    expect((await mount(wide, 'group/scoped-target2', digest)).status).toBe(401)
  })

  test('the challenge to a mount names the source, too', async () => {
    const nobody = registryClient(registry.at.server, '')
    const scopeOf = async (query: string) => {
      const answer = await nobody.request('POST', `/v2/group/target/blobs/uploads/?${query}`)
      expect(answer.status).toBe(401)
      return /scope="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]
    }
    const target = 'repository:group/target:pull,push'
    const digest = sha256('x')
    expect(await scopeOf(`mount=${digest}&from=group/source`)).toBe(`${target} repository:group/source:pull`)
    expect(await scopeOf(`mount=${digest}`)).toBe(target)
    expect(await scopeOf(`mount=${digest}&from=a"b`)).toBe(target)
    expect(await scopeOf('from=group/source')).toBe(target)
  })

  test('of very many repositories that hold a blob only the newest are looked at', async () => {
    const { server, client } = registry.at
    const digest = await client.pushBlob('group/oldest', 'in everyone’s base image')
    await client.pushBlob('group/crowded', 'its own')
    const user = await addPerson(server, 'one-of-many')
    await grant(server, user, 'group/oldest', 1)
    await grant(server, user, 'group/crowded', 3)
    const narrow = registryClient(server, user.basic)
    for (let number = 0; number < 16; number++)
      await client.pushBlob(`group/crowd/${number}`, 'in everyone’s base image')
    expect((await mount(narrow, 'group/crowded', digest)).status).toBe(202)
    // With the source it is found, and once the target holds it it always is.
    expect((await mount(narrow, 'group/crowded', digest, 'group/oldest')).status).toBe(201)
    expect((await mount(narrow, 'group/crowded', digest)).status).toBe(201)
  })

  test('what can’t be mounted by anyone is refused as such', async () => {
    const { client } = registry.at
    expect((await mount(client, 'group/target', 'sha256:abc', 'group/source')).status).toBe(400)
    expect((await mount(client, 'nowhere/target', sha256('x'), 'group/source')).status).toBe(404)
  })
})
