import fc from 'fast-check'
import { expireUploads } from '../../src/core/blobs/expire-uploads.ts'
import { isDomainError } from '../../src/core/errors.ts'
import { beginSweep, sweepStep } from '../../src/core/gc/sweep.ts'
import type { Database } from '../../src/metadata/database.ts'
import type { Digest } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, digestOf, graceMs, openCoreRegistry } from '../core-registry.ts'

export type Action =
  | { kind: 'push'; repository: string; text: string; way: 'in one request' | 'in chunks' }
  | { kind: 'mount'; repository: string; from: string; text: string }
  | { kind: 'head'; repository: string; text: string }
  | { kind: 'image'; repository: string; tag: string | undefined; texts: readonly string[]; isComplete: boolean }
  | { kind: 'delete-tag'; repository: string; tag: string }
  | { kind: 'delete-image'; repository: string; which: number }
  | { kind: 'delete-blob'; repository: string; text: string }
  | { kind: 'delete-repository'; repository: string }
  | { kind: 'expire-uploads' }
  | { kind: 'pass'; ms: number }
  | { kind: 'sweep'; steps: number }

const repositories = ['app', 'other']
/** Of different sizes, so that totals tell them apart. */
const texts = ['1', '22', '333']

const repository = fc.constantFrom(...repositories)
const text = fc.constantFrom(...texts)

export const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('sweep' as const), steps: fc.constantFrom(4, 4, 4, 2, 3) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      repository,
      text,
      way: fc.constantFrom('in one request' as const, 'in chunks' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('mount' as const), repository, from: repository, text }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('head' as const), repository, text }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('image' as const),
      repository,
      tag: fc.constantFrom('v1', 'v2', undefined),
      texts: fc.uniqueArray(text, { minLength: 1, maxLength: 2 }),
      isComplete: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-tag' as const), repository, tag: fc.constant('v1') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete-image' as const), repository, which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete-blob' as const), repository, text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-repository' as const), repository }) },
  { weight: 1, arbitrary: fc.constant<Action>({ kind: 'expire-uploads' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(0.1, 0.3, 0.45, 0.6, 1.1, 1.1).map(part => part * graceMs),
    }),
  },
)

/** What was answered of one repository. */
type Told = {
  /** Content that it was told to hold, with the time until which a sweep must leave it without a manifest. */
  held: Map<string, number>
  images: Map<Digest, readonly string[]>
}

/**
 * Runs actions one after another; but in each gap, between the transactions of a sweep and between the steps of a
 * publication, the next few are run first. So whatever has such gaps meets whatever comes behind it in the list.
 */
export class Interleaving implements AsyncDisposable {
  readonly #registry: CoreRegistry
  readonly #actions: Action[]
  readonly #gaps: readonly number[]
  #gap = 0
  readonly #told = new Map<string, Told>()

  static async open(db: Database, steps: readonly Action[], gaps: readonly number[]): Promise<Interleaving> {
    let fill = async () => {}
    const registry = await openCoreRegistry(db, { atCommitStep: () => fill(), atSweepStep: () => fill() })
    const interleaving = new Interleaving(registry, steps, gaps)
    fill = () => interleaving.#fillGap()
    return interleaving
  }

  constructor(registry: CoreRegistry, steps: readonly Action[], gaps: readonly number[]) {
    this.#registry = registry
    this.#actions = [...steps]
    this.#gaps = gaps
  }

  async run(): Promise<void> {
    while (this.#actions.length > 0) await this.#next()
  }

  /** Deletes all repositories and lets all time pass. */
  async deleteEverything(): Promise<void> {
    for (const name of repositories) if (this.#told.has(name)) await this.#registry.deleteRepository(name)
    this.#told.clear()
    this.#registry.passMs(3 * graceMs)
    await expireUploads(this.#registry.deps)
    await this.#registry.sweep()
    // A digest that was swept can be pushed again at once, and goes again.
    await this.#registry.push('app', '1')
    if ((await this.#registry.pull('app', digestOf('1'))) !== '1')
      throw new Error('a swept blob can not be pushed again')
    await this.#registry.deleteRepository('app')
    await this.#registry.sweep()
  }

  /** Every file and every row that is about content. */
  async leftovers(): Promise<string[]> {
    const found = this.#registry.files()
    const tables = ['blobs', 'blob_links', 'manifests', 'manifest_bodies', 'publications', 'upload_sessions'] as const
    for (const table of tables) {
      const rows = await this.#registry.deps.db.read.selectFrom(table).selectAll().execute()
      if (rows.length > 0) found.push(`${rows.length} rows of ${table}`)
    }
    return found
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#registry[Symbol.asyncDispose]()
  }

  async #fillGap(): Promise<void> {
    const count = this.#gaps[this.#gap++ % this.#gaps.length] ?? 0
    for (let index = 0; index < count && this.#actions.length > 0; index++) await this.#next()
  }

  async #next(): Promise<void> {
    const action = this.#actions.shift()
    if (!action) return
    await this.#do(action)
    await this.#check()
  }

  async #do(action: Action): Promise<void> {
    const { push, pushInChunks, mount, head, pushImage } = this.#registry
    const told = 'repository' in action ? this.#told.get(action.repository) : undefined
    switch (action.kind) {
      case 'push': {
        const pushed = (action.way === 'in chunks' ? pushInChunks : push)(action.repository, action.text)
        // Its repository, or its upload, may have gone while it ran.
        if (await succeeds(pushed, 'repository_unknown', 'upload_unknown')) this.#note(action.repository, action.text)
        return
      }
      case 'mount': {
        const isMounted = await mount(action.repository, action.from, digestOf(action.text))
        const source = this.#told.get(action.from)
        if (isMounted) this.#note(action.repository, action.text)
        else if (source && this.#mustHold(source, action.text)) throw new Error(`refused: ${JSON.stringify(action)}`)
        if (isMounted && !source?.held.has(action.text)) throw new Error(`mounted: ${JSON.stringify(action)}`)
        return
      }
      case 'head': {
        const found = head(action.repository, digestOf(action.text))
        if (!(await succeeds(found, 'blob_unknown', 'repository_unknown'))) return
        const until = told?.held.get(action.text)
        if (!told || until === undefined) throw new Error(`found: ${JSON.stringify(action)}`)
        told.held.set(action.text, Math.max(until, this.#registry.time.nowMs + graceMs / 2))
        return
      }
      case 'image': {
        // As clients do it, or with blobs that may be there or not.
        const pushes = action.isComplete ? action.texts : []
        for (const each of pushes) {
          await this.#do({ kind: 'push', repository: action.repository, text: each, way: 'in one request' })
        }
        const told = this.#told.get(action.repository)
        const blobs = action.texts.map(digestOf)
        const pushed = pushImage(action.repository, action.tag, blobs)
        if (!(await succeeds(pushed, 'manifest_reference_missing', 'repository_unknown'))) {
          if (told && action.texts.every(each => this.#mustHold(told, each))) {
            throw new Error(`refused: ${JSON.stringify(action)}`)
          }
          return
        }
        if (!told || !action.texts.every(each => told.held.has(each)))
          throw new Error(`took: ${JSON.stringify(action)}`)
        told.images.set(await pushed, action.texts)
        return
      }
      case 'delete-tag':
        await succeeds(this.#registry.deleteTag(action.repository, action.tag), 'tag_unknown', 'repository_unknown')
        return
      case 'delete-image': {
        const digest = [...(told?.images.keys() ?? [])][action.which]
        if (digest === undefined) return
        await this.#registry.deleteManifest(action.repository, digest)
        told?.images.delete(digest)
        return
      }
      case 'delete-blob': {
        const deleted = this.#registry.deleteBlob(action.repository, digestOf(action.text))
        if (await succeeds(deleted, 'blob_unknown', 'blob_in_use', 'repository_unknown')) told?.held.delete(action.text)
        return
      }
      case 'delete-repository':
        if (!told) return
        await this.#registry.deleteRepository(action.repository)
        this.#told.delete(action.repository)
        return
      case 'expire-uploads':
        await expireUploads(this.#registry.deps)
        return
      case 'pass':
        this.#registry.passMs(action.ms)
        return
      case 'sweep': {
        // One that meets another of its kind in a gap is as on another replica; one that ends early, as after a kill.
        let state = beginSweep(this.#registry.time.nowMs)
        for (let step = 0; step < action.steps; step++) {
          const done = await sweepStep(this.#registry.sweepDeps, state)
          if (done.result.missing.length > 0) throw new Error('a blob lacks its bytes')
          state = done.state
        }
        return
      }
    }
  }

  #note(name: string, content: string): void {
    const told = this.#told.get(name) ?? { held: new Map(), images: new Map() }
    told.held.set(content, this.#registry.time.nowMs + graceMs)
    this.#told.set(name, told)
  }

  #mustHold(told: Told, content: string): boolean {
    const isNamed = [...told.images.values()].some(named => named.includes(content))
    return isNamed || this.#registry.time.nowMs < (told.held.get(content) ?? 0)
  }

  async #check(): Promise<void> {
    for (const name of repositories) {
      const told = this.#told.get(name)
      for (const content of texts) {
        const found = await contentOf(this.#registry.pull(name, digestOf(content)))
        const isWrong = found !== undefined && (found !== content || !told?.held.has(content))
        const isLost = found === undefined && told !== undefined && this.#mustHold(told, content)
        if (isWrong || isLost) throw new Error(`${name} answers ${found} for ${content}`)
      }
      for (const digest of told?.images.keys() ?? []) await this.#registry.pullManifest(name, digest)
      if (told) await this.#checkTotal(name)
    }
    const { counted, found } = await this.#registry.figures()
    if (JSON.stringify(counted) !== JSON.stringify(found)) {
      throw new Error(`the account has ${JSON.stringify(found)} and counts ${JSON.stringify(counted)}`)
    }
  }

  async #checkTotal(name: string): Promise<void> {
    const links = await this.#registry.deps.db.read
      .selectFrom('blob_links')
      .innerJoin('blobs', 'blobs.digest', 'blob_links.digest')
      .select(['size_bytes', 'state'])
      .where('repository_id', '=', await this.#registry.idOf(name))
      .execute()
    if (links.some(link => link.state !== 'present')) throw new Error(`${name} links a condemned blob`)
    const linkedBytes = links.reduce((sum, link) => sum + link.size_bytes, 0)
    const countedBytes = await this.#registry.bytesOf(name)
    if (linkedBytes !== countedBytes) throw new Error(`${name} links ${linkedBytes} bytes and counts ${countedBytes}`)
  }
}

/** False for one of these codes; every other failure is passed on. */
async function succeeds(work: Promise<unknown>, ...codes: Parameters<typeof isDomainError>[1][]): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isDomainError(error, ...codes)) return false
    throw error
  }
}

async function contentOf(pull: Promise<string>): Promise<string | undefined> {
  try {
    return await pull
  } catch (error) {
    if (isDomainError(error, 'blob_unknown', 'repository_unknown')) return undefined
    throw error
  }
}
