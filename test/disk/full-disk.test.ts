import { afterAll, beforeAll, beforeEach, expect } from 'bun:test'
import { readdirSync, statSync } from 'node:fs'
import { initialSettings } from '../initial-settings.ts'
import { ociImage, type RegistryClient, registryClient, sha256 } from '../oci/registry-client.ts'
import { createOrganization, credentials, managementToken } from '../server.ts'
import { eventually } from '../slow/raw-connection.ts'
import { findTool, testWithTools } from '../tools.ts'
import { pageBytes, type ServerOnSmallDisk, serveOnSmallDisk } from './small-disk.ts'

/** `/readyz` wants 100 MiB free. */
const sizeMib = 160
const mib = 1024 * 1024
const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`

let disk: ServerOnSmallDisk
let client: RegistryClient
let token: string
let kept: { digest: string; body: string }
let made = 0

if (findTool('unshare')) {
  beforeAll(async () => {
    disk = await serveOnSmallDisk({
      sizeMib,
      // With so short a time every HEAD of a blob has a note written before it answers.
      env: { ...initialSettings(credentials), STOWER_GC_GRACE: '10ms' },
    })
    client = registryClient({ url: disk.url, basic })
    await createOrganization(disk, 'full')
    kept = await client.pushImage('full/app', 'kept')
    token = await managementToken(disk)
    // The first one makes the key that signs them.
    expect((await dockerToken()).status).toBe(200)
  })
  beforeEach(() => disk.empty())
  afterAll(() => disk[Symbol.asyncDispose]())
}

const test = (title: string, run: () => Promise<void>) => testWithTools(['unshare'], title, run, 120_000)

const dockerToken = () =>
  fetch(`${disk.url}/swr/auth/v2/registry/auth/?service=dockyard&scope=repository:full/app:pull,push`, {
    headers: { authorization: basic },
  })

const createNamespace = (namespace: string) =>
  fetch(`${disk.url}/v2/manage/namespaces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': token },
    body: JSON.stringify({ namespace }),
  })

const putManifest = (tag: string, body: string) =>
  client.request('PUT', `/v2/full/app/manifests/${tag}`, { headers: { 'content-type': ociImage }, body })

/** Content that no other test has. */
function content(sizeBytes: number): Uint8Array<ArrayBuffer> {
  made++
  return new Uint8Array(sizeBytes).fill(made)
}

async function startUpload(firstBytes?: Uint8Array<ArrayBuffer>): Promise<string> {
  const begun = await client.request('POST', '/v2/full/app/blobs/uploads/')
  expect(begun.status).toBe(202)
  const location = begun.headers.get('location') ?? ''
  if (firstBytes) expect((await client.request('PATCH', location, { body: firstBytes })).status).toBe(202)
  return location
}

const offsetOf = async (location: string) => (await client.request('GET', location)).headers.get('range')
const stagedFiles = () =>
  readdirSync(`${disk.dataDir}/uploads`)
    .filter(name => name !== '.probe')
    .sort()
const publishedFiles = () =>
  readdirSync(`${disk.dataDir}/blobs`, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).length
const idOf = (location: string) => location.split('/').at(-1) ?? ''

async function expectFull(answer: Response, what: RegExp): Promise<void> {
  const body = await answer.text()
  expect({ status: answer.status, body }).toMatchObject({ status: 507 })
  expect(body).toMatch(what)
}

const ofData = /data folder has no room left/
const ofDatabase = /disk of the database is full/

test('where not one byte is free every change is 507 with the reason, and every read goes on', async () => {
  const location = await startUpload(content(1000))
  const before = { staged: stagedFiles(), published: publishedFiles() }
  disk.leaveFree(0)
  await expectFull(await client.request('PATCH', location, { body: content(1000) }), ofDatabase)
  await expectFull(await client.request('POST', '/v2/full/app/blobs/uploads/'), ofDatabase)
  const whole = content(1000)
  const inOne = `/v2/full/app/blobs/uploads/?digest=${sha256(whole)}`
  await expectFull(await client.request('POST', inOne, { body: whole }), ofData)
  const manifest = await putManifest('new', `${kept.body} `)
  expect(await manifest.clone().json()).toMatchObject({ errors: [{ code: 'UNKNOWN' }] })
  await expectFull(manifest, ofDatabase)
  await expectFull(await client.request('DELETE', '/v2/full/app/manifests/kept'), ofDatabase)
  const namespace = await createNamespace('no-room')
  expect(await namespace.clone().json()).toMatchObject({ errors: [{ errorCode: 'SVCSTG.SWR.5070070' }] })
  await expectFull(namespace, /no space is left/)

  expect(await (await client.request('GET', '/v2/full/app/manifests/kept')).text()).toBe(kept.body)
  const { layers } = JSON.parse(kept.body) as { layers: { digest: string }[] }
  expect(await (await client.request('GET', `/v2/full/app/blobs/${layers[0]?.digest}`)).text()).toBe('layer one')
  expect((await client.request('HEAD', `/v2/full/app/blobs/${layers[0]?.digest}`)).status).toBe(200)
  expect((await client.request('HEAD', '/v2/full/app/manifests/kept')).status).toBe(200)
  expect(await (await client.request('GET', '/v2/full/app/tags/list')).json()).toMatchObject({ tags: ['kept'] })
  expect((await client.request('GET', `/v2/full/app/blobs/${sha256(whole)}`)).status).toBe(404)
  expect((await dockerToken()).status).toBe(200)
  expect(await offsetOf(location)).toBe('0-999')
  expect({ staged: stagedFiles(), published: publishedFiles() }).toEqual(before)

  disk.empty()
  expect((await client.request('PATCH', location, { body: 'more' })).status).toBe(202)
  expect((await client.request('POST', inOne, { body: whole })).status).toBe(201)
  expect((await putManifest('new', `${kept.body} `)).status).toBe(201)
  expect((await createNamespace('room-again')).status).toBe(201)
  expect((await client.request('DELETE', location)).status).toBe(204)
})

test('/readyz says that the disk is full, and that it no longer is', async () => {
  const readiness = async () => {
    const answer = await fetch(`${disk.url}/readyz`)
    return `${answer.status} ${await answer.text()}`
  }
  await eventually('it is ready', async () => (await readiness()).startsWith('200'))
  disk.leaveFree(50 * mib)
  await eventually('space is short', async () => (await readiness()).includes('disk space: failed'))
  disk.leaveFree(0)
  await eventually('nothing can be stored', async () => (await readiness()).includes('blob store: failed'))
  expect(await readiness()).toStartWith('503')
  disk.empty()
  await eventually('it is ready again', async () => (await readiness()).startsWith('200'))
})

test('staged bytes that find no room are given back, and the upload goes on from its offset', async () => {
  const first = content(1 * mib)
  const rest = content(3 * mib)
  const location = await startUpload(first)
  disk.leaveFree(1 * mib)
  await expectFull(await client.request('PATCH', location, { body: rest }), ofData)
  expect(await offsetOf(location)).toBe(`0-${mib - 1}`)
  expect(statSync(`${disk.dataDir}/uploads/${idOf(location)}`).size).toBe(1 * mib)
  // What is free again is enough for a small thing, at once.
  expect((await createNamespace('small')).status).toBe(201)
  const again = await client.request('PATCH', location, { body: content(3 * mib) })
  await expectFull(again, ofData)
  disk.empty()
  const digest = sha256(new Uint8Array([...first, ...rest]))
  expect((await client.request('PUT', `${location}?digest=${digest}`, { body: rest })).status).toBe(201)
  expect(sha256(await (await client.request('GET', `/v2/full/app/blobs/${digest}`)).bytes())).toBe(digest)
  expect(stagedFiles()).not.toContain(idOf(location))
})

test('content whose row finds no room is published neither in part nor at all, and can be closed again later', async () => {
  const whole = content(1 * mib)
  const digest = sha256(whole)
  const close = (location: string) => client.request('PUT', `${location}?digest=${digest}`)
  const location = await startUpload(whole)
  const published = publishedFiles()
  let refused = 0
  for (const free of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    disk.leaveFree(free * 4096)
    const answer = await close(location)
    if (answer.status === 201) break
    await expectFull(answer, ofDatabase)
    refused++
    expect(publishedFiles()).toBe(published)
    expect(stagedFiles()).toContain(idOf(location))
    expect(await offsetOf(location)).toBe(`0-${mib - 1}`)
    expect((await client.request('GET', `/v2/full/app/blobs/${digest}`)).status).toBe(404)
    disk.empty()
    // A request that could not let go of its upload for want of room does so when there is some.
    await eventually('the upload is free', async () => (await client.request('PATCH', location)).status === 202, 10_000)
  }
  expect(refused).toBeGreaterThan(1)
  disk.empty()
  const closed = await close(location)
  expect([201, 404]).toContain(closed.status)
  expect(sha256(await (await client.request('GET', `/v2/full/app/blobs/${digest}`)).bytes())).toBe(digest)
})

test('a log that can not be folded into the database is tried again until there is room', async () => {
  const log = `${disk.dataDir}/stower.db-wal`
  const foldAt = 8 * mib
  const large = (mark: number) =>
    JSON.stringify({ ...JSON.parse(kept.body), annotations: { mark: `${mark}`.repeat(3 * mib) } })
  disk.leaveFree(50 * mib)
  // The log grows past what is moved, and the database can not grow by as much.
  for (let mark = 1; statSync(log).size < foldAt; mark++)
    expect((await putManifest(`large${mark}`, large(mark))).status).toBe(201)
  disk.leaveFree(0)
  await eventually('it is told', () => {
    // The log lies on this disk, too, and what is tried again takes the room that its line needs.
    disk.leaveFree(pageBytes)
    return disk.log().includes('could not be folded in') || statSync(log).size < foldAt
  })
  disk.leaveFree(0)
  await expectFull(await putManifest('large', large(9)), ofDatabase)
  expect(await (await client.request('GET', '/v2/full/app/manifests/large1')).text()).toBe(large(1))
  disk.empty()
  await eventually('the log is folded in', () => statSync(log).size < foldAt)
  expect((await putManifest('large', large(9))).status).toBe(201)
})

test('a log file that takes nothing more holds nothing up, and is written again when there is room', async () => {
  disk.leaveFree(0)
  const isLogged = (id: string | null) => disk.log().includes(String(id))
  for (let count = 0; count < 300; count++)
    expect((await client.request('GET', '/v2/full/app/tags/list')).status).toBe(200)
  const unseen = await client.request('GET', '/v2/full/app/tags/list')
  disk.empty()
  await eventually('lines are written again', async () => {
    const seen = await client.request('GET', '/v2/full/app/tags/list')
    await new Promise(resolve => setTimeout(resolve, 150))
    return isLogged(seen.headers.get('x-request-id'))
  })
  expect(unseen.status).toBe(200)
})
