import { describe, expect, test } from 'bun:test'
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describeRegistry } from './describe-registry.ts'
import { sha256 } from './registry-client.ts'

/** Small content is answered from memory, large from its file. */
const sizes = { small: 100, large: 200_000 }

describeRegistry('a blob whose bytes are lost', registry => {
  const contentOf = (name: string, size: number) => name.padEnd(size, '.')
  const filesOf = (digest: string) => {
    const folder = join(registry.at.server.dataDir, 'blobs', 'sha256', digest.slice(7, 9))
    const names = readdirSync(folder).filter(name => name.startsWith(digest.slice(7)))
    return names.map(name => join(folder, name))
  }
  const lose = (digest: string) => {
    for (const file of filesOf(digest)) rmSync(file)
  }
  const head = async (digest: string, repository = 'group/lost') =>
    (await registry.at.client.request('HEAD', `/v2/${repository}/blobs/${digest}`)).status
  const get = (digest: string) => registry.at.client.request('GET', `/v2/group/lost/blobs/${digest}`)

  const pushInChunks = async (content: string): Promise<number> => {
    const { request } = registry.at.client
    const begun = await request('POST', '/v2/group/lost/blobs/uploads/')
    const location = begun.headers.get('location') ?? ''
    await request('PATCH', location, { body: content })
    return (await request('PUT', `${location}?digest=${sha256(content)}`)).status
  }

  for (const [kind, size] of Object.entries(sizes)) {
    describe(kind, () => {
      test('HEAD says that it is not there, so that clients push it again, and GET that it can not be read', async () => {
        const digest = await registry.at.client.pushBlob('group/lost', contentOf(`told ${kind}`, size))
        expect(await head(digest)).toBe(200)
        lose(digest)
        expect(await head(digest)).toBe(404)
        await registry.at.server.restart()
        expect((await get(digest)).status).toBe(503)
      })

      for (const [way, push] of Object.entries({
        'in one request': async (content: string): Promise<number> => {
          await registry.at.client.pushBlob('group/lost', content)
          return 201
        },
        'in chunks': pushInChunks,
      })) {
        test(`is whole again when it is pushed ${way}`, async () => {
          const content = contentOf(`healed ${kind} ${way}`, size)
          const digest = await registry.at.client.pushBlob('group/lost', content)
          await registry.at.client.pushBlob('group/other', content)
          lose(digest)
          expect(await push(content)).toBe(201)
          expect(await head(digest)).toBe(200)
          expect(await head(digest, 'group/other')).toBe(200)
          expect(filesOf(digest)).toHaveLength(1)
          await registry.at.server.restart()
          expect(await (await get(digest)).text()).toBe(content)
          // Whoever has it once more only links it.
          const [file] = filesOf(digest)
          expect(await push(content)).toBe(201)
          expect(filesOf(digest)).toEqual([file ?? ''])
        })
      }
    })
  }

  test('is not mounted, so that it is uploaded', async () => {
    const content = contentOf('mounted', sizes.large)
    const digest = await registry.at.client.pushBlob('group/lost', content)
    const mount = () =>
      registry.at.client.request('POST', `/v2/group/other/blobs/uploads/?mount=${digest}&from=group/lost`)
    lose(digest)
    expect((await mount()).status).toBe(202)
    await registry.at.client.pushBlob('group/lost', content)
    expect((await mount()).status).toBe(201)
  })

  test('is lost as well when a part of it is missing', async () => {
    const content = contentOf('cut', sizes.large)
    const digest = await registry.at.client.pushBlob('group/lost', content)
    const [cut = ''] = filesOf(digest)
    truncateSync(cut, 1000)
    expect(await head(digest)).toBe(404)
    expect((await get(digest)).status).toBe(503)
    expect(await pushInChunks(content)).toBe(201)
    expect(await (await get(digest)).text()).toBe(content)
    expect(filesOf(digest).map(file => statSync(file).size)).toContain(sizes.large)
  })

  test('is named by the sweep at once, also where its bytes were answered from memory', async () => {
    const digest = await registry.at.client.pushBlob('group/lost', contentOf('foreseen', sizes.small))
    await (await get(digest)).text()
    expect(await registry.stower('gc', '--dry-run')).not.toContain(digest)
    lose(digest)
    expect(await registry.stower('gc', '--dry-run')).toContain(digest)
  })
})
