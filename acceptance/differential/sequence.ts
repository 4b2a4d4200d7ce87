import { createHash } from 'node:crypto'
import type { Random } from '../../test/crash/random.ts'
import { type Asked, askBoth, type Peers, type Registry, type Said } from './two-registries.ts'

export const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
}

/** `what` names the kind of request; the list of differences goes by it. */
export type Exchange = { what: string; asked: Asked; said: Record<Registry, Said> }

const blobs = ['', '{}', 'config', 'layer one', 'layer two', '0123456789'.repeat(200)]
const tags = ['latest', 'v1', 'V2', 'a.b', '_x']
const absentDigest = digestOf('nobody pushed this')

type Locations = Record<Registry, string>
type Upload = { name: string; at: Locations; content: string }

/** A random walk of requests over two repositories, told to both registries alike. */
export class Sequence {
  readonly exchanges: Exchange[] = []
  readonly #peers: Peers
  readonly #random: Random
  readonly #names: readonly [string, string]
  /** Manifests that both took, by repository. */
  readonly #manifests: { name: string; body: string; type: string }[] = []
  #upload: Upload | undefined
  #odd = 0

  constructor(peers: Peers, random: Random, base: string) {
    this.#peers = peers
    this.#random = random
    this.#names = [`${base}/one`, `${base}/two/deep`]
  }

  /** Both hold all blobs and one tag from the beginning, so that most of what is asked for is there. */
  async prepare(): Promise<void> {
    for (const name of this.#names) {
      for (const content of blobs) await this.#pushBlob(name, content)
      await this.#push(name, 'first', types.image, image(types.image, '{}', []))
    }
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#step()
  }

  /** Each request once that no walk can leave out. */
  async runBad(): Promise<void> {
    const good = image(types.image, '{}', ['{}'])
    for (const odd of oddManifests(good)) await this.#putOddManifest(odd)
    for (const [what, asked] of badRequests(this.#names[0])) await this.#ask(what, asked)
    for (const query of oddPages) await this.#list(this.#names[0], query)
    const long = `/v2/${this.#names[0]}/blobs/${digestOf(blobs.at(-1) ?? '')}`
    await this.#ask('HEAD part of a blob', { method: 'HEAD', path: long, headers: { range: 'bytes=0-4' } })
    for (const type of [types.image, types.dockerImage]) {
      const body = image(type, '{}', ['config'])
      await this.#push(this.#names[0], digestOf(body), type, body)
      const path = `/v2/${this.#names[0]}/manifests/${digestOf(body)}`
      for (const accept of ['*/*', types.image, types.dockerImage]) {
        await this.#ask(`manifest for ${accept}, by GET`, { method: 'GET', path, headers: { accept } })
      }
    }
    await this.#startUpload(this.#names[0])
    for (const what of uploadSteps) {
      await this.#goOn(this.#upload, what)
      if (!this.#upload) await this.#startUpload(this.#names[0])
    }
  }

  async #step(): Promise<void> {
    const { chance, pick } = this.#random
    const name = pick(this.#names) ?? ''
    if (this.#upload && chance(0.5)) return this.#goOn(this.#upload, pick(uploadSteps))
    const steps = [
      () => this.#pushBlob(name, pick(blobs) ?? ''),
      () => this.#startUpload(name),
      () => this.#mount(name),
      () => this.#readBlob(name),
      () => this.#deleteBlob(name),
      () => this.#putManifest(name),
      () => this.#putManifest(name),
      () => this.#putOddManifest(pick(oddManifests(image(types.image, '{}', ['{}'])))),
      () => this.#readManifest(name),
      () => this.#readManifest(name),
      () => this.#deleteManifest(name),
      () => this.#list(name, pick([...pages, ...oddPages])),
      () => this.#askBadly(name),
    ]
    await pick(steps)?.()
  }

  async #ask(what: string, asked: Asked): Promise<Record<Registry, Said>> {
    const said = await askBoth(this.#peers, asked)
    this.exchanges.push({ what, asked, said })
    return said
  }

  /** A whole blob by POST and PUT, the way every client can. */
  async #pushBlob(name: string, content: string): Promise<void> {
    const started = await this.#ask('start upload', { method: 'POST', path: `/v2/${name}/blobs/uploads/` })
    const at = locations(started)
    if (at) await this.#ask('close upload', closing(at, digestOf(content), content))
  }

  async #startUpload(name: string): Promise<void> {
    if (this.#upload) await this.#cancel(this.#upload)
    const at = locations(await this.#ask('start upload', { method: 'POST', path: `/v2/${name}/blobs/uploads/` }))
    if (at) this.#upload = { name, at, content: '' }
  }

  async #goOn(upload: Upload | undefined, what: (typeof uploadSteps)[number] | undefined): Promise<void> {
    if (!upload) return
    const { chance, pick, between } = this.#random
    const { at, content } = upload
    const chunk = (pick(blobs.slice(1)) ?? '').slice(0, between(1, 900))
    const ask = (asked: Omit<Asked, 'path'>) => this.#ask(what ?? '', { path: of(at), ...asked })
    const rangeFrom = (first: number) => ({ 'content-range': `${first}-${first + chunk.length - 1}` })
    switch (what) {
      case 'append a stream':
        return this.#move(upload, await ask({ method: 'PATCH', body: chunk }), chunk)
      case 'append a chunk': {
        const said = await ask({ method: 'PATCH', headers: rangeFrom(content.length), body: chunk })
        return this.#move(upload, said, chunk)
      }
      case 'append out of order': {
        const first = content.length + (content.length > 0 && chance(0.5) ? -1 : 5)
        await ask({ method: 'PATCH', headers: rangeFrom(first), body: chunk })
        return this.#cancel(upload)
      }
      case 'ask for the offset':
        await ask({ method: 'GET' })
        return
      case 'close upload':
        await this.#ask(what, closing(at, digestOf(content + chunk), chunk))
        this.#upload = undefined
        return
      case 'close with a wrong digest':
        await this.#ask(what, closing(at, digestOf(`${content}!`), ''))
        return this.#cancel(upload)
      case 'close without a digest':
        await ask({ method: 'PUT' })
        return this.#cancel(upload)
      case 'close with a malformed digest':
        await this.#ask(what, closing(at, pick(malformedDigests) ?? '', ''))
        return this.#cancel(upload)
      default:
        return this.#cancel(upload)
    }
  }

  async #move(upload: Upload, said: Record<Registry, Said>, chunk: string): Promise<void> {
    const at = locations(said)
    if (at) this.#upload = { ...upload, at, content: upload.content + chunk }
    else await this.#cancel(upload)
  }

  /** After it the upload is over with both, whatever it was before. */
  async #cancel({ at }: { at: Locations }): Promise<void> {
    this.#upload = undefined
    const said = await askBoth(this.#peers, { method: 'DELETE', path: of(at) })
    const isThere = said.ours.status === 204 && said.theirs.status === 204
    if (isThere) this.exchanges.push({ what: 'cancel', asked: { method: 'DELETE', path: of(at) }, said })
    await this.#ask('ask for an upload that is over', { method: 'GET', path: of(at) })
  }

  async #mount(name: string): Promise<void> {
    const { pick } = this.#random
    const from = pick([...this.#names, 'nowhere/at-all'])
    const digest = pick([...blobs.map(digestOf), absentDigest])
    const path = `/v2/${name}/blobs/uploads/?mount=${digest}&from=${from}`
    const said = await this.#ask('mount', { method: 'POST', path })
    if (said.ours.status === 202 && said.theirs.status === 202) {
      const at = locations(said)
      if (at) await this.#cancel({ at })
    }
  }

  async #readBlob(name: string): Promise<void> {
    const { pick, chance } = this.#random
    const digest = pick([...blobs.map(digestOf), absentDigest]) ?? ''
    const headers: Record<string, string> = {}
    if (chance(0.4))
      headers.range = pick(['bytes=0-4', 'bytes=5-', 'bytes=-3', 'bytes=100-99999', 'bytes=5000-', 'bytes=x']) ?? ''
    if (chance(0.2)) headers['if-none-match'] = pick([`"${digest}"`, '"another"']) ?? ''
    const method = pick(['GET', 'HEAD']) ?? 'GET'
    const kind = headers.range === undefined ? 'blob' : 'part of a blob'
    const isConditional = headers['if-none-match'] !== undefined
    await this.#ask(`${method} ${kind}${isConditional ? ', conditional' : ''}`, {
      method,
      path: `/v2/${name}/blobs/${digest}`,
      headers,
    })
  }

  async #deleteBlob(name: string): Promise<void> {
    const digest = this.#random.pick([...blobs.map(digestOf), absentDigest]) ?? ''
    const said = await this.#ask('DELETE blob', { method: 'DELETE', path: `/v2/${name}/blobs/${digest}` })
    const content = blobs.find(each => digestOf(each) === digest)
    // Theirs lets go of what a manifest needs; it comes back, so that both hold the same again.
    if (said.ours.status === 405 && said.theirs.status === 202) await this.#restore(name, content ?? '')
  }

  async #restore(name: string, content: string): Promise<void> {
    const both = await askBoth(this.#peers, { method: 'POST', path: `/v2/${name}/blobs/uploads/` })
    const at = locations(both)
    if (at) await askBoth(this.#peers, closing(at, digestOf(content), content))
  }

  async #putManifest(name: string): Promise<void> {
    const { pick, chance } = this.#random
    const isDocker = chance(0.3)
    const known = this.#manifests.filter(each => each.name === name)
    const isIndex = known.length > 0 && chance(0.3)
    const children = isIndex ? [pick(known), pick(known)].filter(each => each !== undefined) : []
    const type = isIndex ? (isDocker ? types.dockerList : types.index) : isDocker ? types.dockerImage : types.image
    const body = isIndex
      ? JSON.stringify({
          schemaVersion: 2,
          mediaType: type,
          manifests: children.map(child => ({
            mediaType: child.type,
            digest: digestOf(child.body),
            size: child.body.length,
            platform: { architecture: 'amd64', os: 'linux' },
          })),
        })
      : image(
          type,
          pick(blobs.slice(1, 3)) ?? '',
          [pick(blobs), pick(blobs)].filter(layer => layer !== undefined),
        )
    const reference = chance(0.6) ? (pick(tags) ?? '') : digestOf(body)
    const said = await this.#push(name, reference, type, body)
    if (said.ours.status === 201 && said.theirs.status === 201) this.#manifests.push({ name, body, type })
  }

  /** Into a repository that is used once, because the two may disagree about it. */
  async #putOddManifest(odd: OddManifest | undefined): Promise<void> {
    if (!odd) return
    this.#odd += 1
    const name = `${this.#names[0]}-odd-${this.#odd}`
    await this.#restore(name, '{}')
    const [what, type, body, reference] = odd
    await this.#push(name, reference, type, body, what)
  }

  #push(name: string, reference: string, type: string, body: string, what = 'PUT manifest') {
    const path = `/v2/${name}/manifests/${reference}`
    return this.#ask(what, { method: 'PUT', path, ...(type !== '' && { headers: { 'content-type': type } }), body })
  }

  async #readManifest(name: string): Promise<void> {
    const { pick, chance } = this.#random
    const known = pick(this.#manifests.filter(each => each.name === name))
    const reference = chance(0.5) || !known ? (pick(tags) ?? '') : digestOf(known.body)
    const accepts = [
      '*/*',
      'application/*',
      Object.values(types).join(', '),
      types.image,
      types.dockerImage,
      types.index,
      'text/html',
    ]
    const accept = chance(0.5) ? Object.values(types).join(', ') : (pick(accepts) ?? '')
    const method = pick(['GET', 'HEAD']) ?? 'GET'
    const isWidelyAccepted = accept.includes(',')
    const what = isWidelyAccepted ? 'manifest' : `manifest for ${accept}`
    await this.#ask(`${what}, by ${method}`, {
      method,
      path: `/v2/${name}/manifests/${pick([reference, reference, reference, absentDigest])}`,
      headers: { accept },
    })
  }

  async #deleteManifest(name: string): Promise<void> {
    const { pick, chance } = this.#random
    const known = pick(this.#manifests.filter(each => each.name === name))
    if (known && chance(0.6)) {
      const digest = digestOf(known.body)
      await this.#ask('DELETE manifest', { method: 'DELETE', path: `/v2/${name}/manifests/${digest}` })
      for (const each of this.#manifests.filter(one => one.name === name && one.body === known.body)) {
        this.#manifests.splice(this.#manifests.indexOf(each), 1)
      }
    } else {
      const path = `/v2/${name}/manifests/${pick(tags)}`
      const tagged = await askBoth(this.#peers, { method: 'GET', path })
      const said = await this.#ask('DELETE tag', { method: 'DELETE', path })
      if (said.ours.status !== 202 || said.theirs.status === 202) return
      // Theirs has kept the tag: ours gets it back.
      const headers = { 'content-type': tagged.ours.headers['content-type'] ?? '' }
      await askBoth(this.#peers, { method: 'PUT', path, headers, body: tagged.ours.body })
    }
  }

  async #list(name: string, query: string | undefined): Promise<void> {
    const isOdd = oddPages.some(page => page === query)
    const path = `/v2/${name}/tags/list${query}`
    await this.#ask(isOdd ? `list tags ${query}` : 'list tags', { method: 'GET', path })
  }

  async #askBadly(name: string): Promise<void> {
    const [what, asked] = this.#random.pick(badRequests(name)) ?? []
    if (what !== undefined && asked) await this.#ask(what, asked)
  }
}

const uploadSteps = [
  'append a stream',
  'append a chunk',
  'append out of order',
  'ask for the offset',
  'close upload',
  'close with a wrong digest',
  'close without a digest',
  'close with a malformed digest',
  'cancel',
] as const

const pages = ['', '?n=2', '?n=2&last=a.b', '?last=b', '?n=100']
const oddPages = ['?n=0', '?n=-1', '?n=x', '?n=99999999999']

function badRequests(name: string): [what: string, asked: Asked][] {
  const digest = digestOf('{}')
  const get = (path: string): Asked => ({ method: 'GET', path })
  const manifestType = { 'content-type': types.image }
  const absentUpload = `/v2/${name}/blobs/uploads/00000000-0000-4000-8000-000000000000`
  return [
    ['base', get('/v2/')],
    ['base by POST', { method: 'POST', path: '/v2/' }],
    ['tags of nothing', get('/v2/nowhere/at-all/tags/list')],
    ['manifest of nothing', get('/v2/nowhere/at-all/manifests/v1')],
    ['blob of nothing', get(`/v2/nowhere/at-all/blobs/${digest}`)],
    ['bad name', get(`/v2/${name}/UPPER/tags/list`)],
    ['bad tag', get(`/v2/${name}/manifests/.v1`)],
    ['bad tag, pushed', { method: 'PUT', path: `/v2/${name}/manifests/.v1`, body: '{}', headers: manifestType }],
    ['bad digest of a blob', get(`/v2/${name}/blobs/sha256:abc`)],
    ['bad digest of a manifest', get(`/v2/${name}/manifests/sha256:abc`)],
    ['unknown upload', { method: 'PATCH', path: absentUpload, body: 'x' }],
    ['method of a manifest', { method: 'POST', path: `/v2/${name}/manifests/v1` }],
    ['method of a blob', { method: 'PUT', path: `/v2/${name}/blobs/${digest}` }],
    ['method of tags', { method: 'DELETE', path: `/v2/${name}/tags/list` }],
    ['method of uploads', get(`/v2/${name}/blobs/uploads/`)],
    ['mount with a bad digest', { method: 'POST', path: `/v2/${name}/blobs/uploads/?mount=sha256:abc&from=${name}` }],
    ['referrers', get(`/v2/${name}/referrers/${digest}`)],
    ['catalog n=0', get('/v2/_catalog?n=0')],
    ['catalog n=-1', get('/v2/_catalog?n=-1')],
    ['catalog n=x', get('/v2/_catalog?n=x')],
    ['no endpoint', get(`/v2/${name}/nothing/here`)],
  ]
}

const malformedDigests = ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'nonsense', `sha256:${'A'.repeat(64)}`]

type OddManifest = [what: string, contentType: string, body: string, reference: string]

/** Manifests that at least one of the two may refuse. */
function oddManifests(good: string): OddManifest[] {
  const changed = (change: Record<string, unknown>) => JSON.stringify({ ...JSON.parse(good), ...change })
  const missing = { mediaType: types.layer, digest: absentDigest, size: 5 }
  return [
    ['PUT manifest that lacks a layer', types.image, changed({ layers: [missing] }), 'v1'],
    ['PUT manifest under another digest', types.image, good, absentDigest],
    ['PUT manifest that is no JSON', types.image, '{', 'v1'],
    ['PUT manifest that is nothing', types.image, '', 'v1'],
    ['PUT manifest without Content-Type', '', good, 'v1'],
    ['PUT manifest of another type', types.index, good, 'v1'],
    ['PUT manifest of an unknown type', 'text/plain', good, 'v1'],
    ['PUT image that is an index, too', types.image, changed({ manifests: [] }), 'v1'],
    ['PUT schema 1', types.schema1, '{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[]}', 'v1'],
    ['PUT manifest with parameters on its type', `${types.image}; charset=utf-8`, good, 'v1'],
    [
      'PUT manifest with a subject',
      types.image,
      changed({ subject: { mediaType: types.image, digest: absentDigest, size: 5 } }),
      'v1',
    ],
    [
      'PUT index that lacks a child',
      types.index,
      JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...missing, mediaType: types.image }] }),
      'v1',
    ],
    [
      'PUT manifest with a negative size',
      types.image,
      changed({ layers: [{ ...missing, digest: digestOf('{}'), size: -1 }] }),
      'v1',
    ],
    ['PUT manifest with schemaVersion 3', types.image, changed({ schemaVersion: 3 }), 'v1'],
  ]
}

function image(type: string, config: string, layers: readonly string[]): string {
  const descriptor = (mediaType: string, content: string) => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
  })
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: descriptor(types.config, config),
    layers: layers.map(layer => descriptor(types.layer, layer)),
  })
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function of(at: Locations): (registry: Registry) => string {
  return registry => at[registry]
}

function closing(at: Locations, digest: string, body: string): Asked {
  const path = (registry: Registry) => `${at[registry]}${at[registry].includes('?') ? '&' : '?'}digest=${digest}`
  return { method: 'PUT', path, ...(body !== '' && { body }) }
}

function locations({ ours, theirs }: Record<Registry, Said>): Locations | undefined {
  const isStarted = ours.status === 202 && theirs.status === 202
  return isStarted && ours.location && theirs.location ? { ours: ours.location, theirs: theirs.location } : undefined
}
