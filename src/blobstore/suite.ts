import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { DigestAlgorithm } from '../protocol/oci/digest.ts'
import type { ByteRange } from '../protocol/oci/range.ts'
import type { BlobContent, BlobLocation, BlobStore, ContentDigest, StagedUpload, StoredContent } from './blobstore.ts'

/** An empty store of one kind, and the way to a second one over the same bytes, as another process would open it. */
export type StoreFixture = {
  store: BlobStore
  openAgain: () => Promise<BlobStore>
  /** Ends both and removes the bytes. */
  dispose: () => Promise<void>
}

/** What every blob store must do. `make` is called once for each test. */
export function describeBlobStore(name: string, make: () => Promise<StoreFixture>): void {
  describe(`blob store: ${name}`, () => {
    let fixture: StoreFixture
    let store: BlobStore

    beforeEach(async () => {
      fixture = await make()
      store = fixture.store
    })
    afterEach(() => fixture.dispose())

    test('a writer that lost its upload to another changes nothing any more, before the commit or after', async () => {
      const upload = await start(store, 'fenced')
      const content = bytes(400_000)
      const stale = await store.openUpload(upload)
      await stale.write(new Uint8Array(100_000).fill(69))
      const appended = await append(store, upload, content)
      const location = await store.commit(appended, digestOf(content))
      await stale.flush().catch(() => {})
      await stale[Symbol.asyncDispose]()
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('committed content reads back as it was written', async () => {
      const content = bytes(700_001)
      const location = await publish(store, 'first', content)
      const opened = await store.open(location)
      expect(sizeOf(opened)).toBe(content.byteLength)
      expect(await readContent(opened)).toEqual(content)
    })

    test('content of zero bytes can be committed and read', async () => {
      const location = await publish(store, 'empty', new Uint8Array())
      const opened = await store.open(location)
      expect(sizeOf(opened)).toBe(0)
      expect(await readContent(opened)).toEqual(new Uint8Array())
    })

    test('content with a sha512 digest can be committed and read', async () => {
      const content = bytes(1000)
      const location = await publish(store, 'wide', content, 'sha512')
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('chunks of any size, empty ones too, are joined in order', async () => {
      const upload = await start(store, 'pieces')
      await using writer = await store.openUpload(upload)
      const content = bytes(600_000)
      const sizes = [1, 0, 7, 300_000, 0, 65_536, 1, 1, 200_000]
      let at = 0
      for (const size of [...sizes, content.byteLength - sizes.reduce((sum, size) => sum + size)]) {
        await writer.write(content.subarray(at, at + size))
        at += size
      }
      const location = await store.commit({ ...upload, ...(await writer.flush()) }, digestOf(content))
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('ten thousand chunks of one byte are joined in order', async () => {
      const upload = await start(store, 'drops')
      await using writer = await store.openUpload(upload)
      const content = bytes(10_000)
      for (let at = 0; at < content.byteLength; at++) await writer.write(content.subarray(at, at + 1))
      const location = await store.commit({ ...upload, ...(await writer.flush()) }, digestOf(content))
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('flush says the offset that was reached, and more can be written after it', async () => {
      const upload = await start(store, 'flushes')
      await using writer = await store.openUpload(upload)
      const content = bytes(500_000)
      await writer.write(content.subarray(0, 10))
      expect((await writer.flush()).offsetBytes).toBe(10)
      expect((await writer.flush()).offsetBytes).toBe(10)
      await writer.write(content.subarray(10))
      const flushed = await writer.flush()
      expect(flushed.offsetBytes).toBe(content.byteLength)
      expect(await readAll(await store.readUpload({ ...upload, ...flushed }))).toEqual(content)
    })

    test('an upload is appended to over several openings', async () => {
      const content = bytes(900_000)
      let upload = await start(store, 'many')
      for (const [from, to] of [
        [0, 300_000],
        [300_000, 300_001],
        [300_001, 900_000],
      ] as const) {
        upload = await append(store, upload, content.subarray(from, to))
      }
      const location = await store.commit(upload, digestOf(content))
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('opening at an earlier offset drops what lies past it', async () => {
      const kept = bytes(1000)
      const earlier = await append(store, await start(store, 'cut'), kept)
      await append(store, earlier, new Uint8Array(400_000).fill(0xff))
      const later = await append(store, earlier, bytes(50))
      const expected = new Uint8Array([...kept, ...bytes(50)])
      expect(later.offsetBytes).toBe(1050)
      const location = await store.commit(later, digestOf(expected))
      expect(await readContent(await store.open(location))).toEqual(expected)
    })

    test('commit at an earlier offset publishes nothing that lies past it', async () => {
      const kept = bytes(1000)
      const earlier = await append(store, await start(store, 'cut'), kept)
      await append(store, earlier, bytes(5000))
      const location = await store.commit(earlier, digestOf(kept))
      expect(await readContent(await store.open(location))).toEqual(kept)
    })

    test('opening at an offset that was never reached is upload_unknown', async () => {
      const upload = await append(store, await start(store, 'short'), bytes(10))
      const beyond = { ...upload, offsetBytes: 11 }
      await expectCode(store.openUpload(beyond), 'upload_unknown')
      await expectCode(store.readUpload(beyond), 'upload_unknown')
      await expectCode(store.commit(beyond, digestOf(bytes(11))), 'upload_unknown')
    })

    test('a second store continues from state and offset', async () => {
      const content = bytes(800_000)
      const begun = await append(store, await start(store, 'moved'), content.subarray(0, 500_000))
      // What another process finds in the session's row: plain data.
      const kept: StagedUpload = JSON.parse(JSON.stringify(begun))
      const other = await fixture.openAgain()
      expect(await readAll(await other.readUpload(kept))).toEqual(content.subarray(0, 500_000))
      const done = await append(other, kept, content.subarray(500_000))
      const location = await other.commit(done, digestOf(content))
      expect(await readContent(await store.open(location))).toEqual(content)
    })

    test('staged content is not readable, neither by a guess nor by where it will be', async () => {
      const content = bytes(100)
      const neighbour = await publish(store, 'published', content)
      const upload = await append(store, await start(store, 'hidden'), content)
      const guesses = [upload.state, upload.uploadId, `uploads/${upload.uploadId}`, `../uploads/${upload.uploadId}`]
      for (const guess of [...guesses, neighbour.replaceAll('published', 'hidden')]) {
        await expectCode(store.open(guess as BlobLocation), 'blob_unknown')
      }
      expect(await readContent(await store.open(neighbour))).toEqual(content)
    })

    test('a committed upload can no longer be opened', async () => {
      const upload = await append(store, await start(store, 'done'), bytes(10))
      await store.commit(upload, digestOf(bytes(10)))
      await expectCode(store.openUpload(upload), 'upload_unknown')
      await expectCode(store.readUpload(upload), 'upload_unknown')
    })

    test('one digest under two upload ids gets two locations that live apart', async () => {
      const content = bytes(1000)
      const one = await publish(store, 'one', content)
      const two = await publish(store, 'two', content)
      expect(one).not.toBe(two)
      await store.remove(one)
      await expectCode(store.open(one), 'blob_unknown')
      expect(await readContent(await store.open(two))).toEqual(content)
    })

    test('committing again gives the same location, as after a crash before metadata knew of it', async () => {
      const upload = await append(store, await start(store, 'again'), bytes(1000))
      const location = await store.commit(upload, digestOf(bytes(1000)))
      expect(await (await fixture.openAgain()).commit(upload, digestOf(bytes(1000)))).toBe(location)
      await store.remove(location)
      await expectCode(store.commit(upload, digestOf(bytes(1000))), 'upload_unknown')
    })

    test('a commit that is taken back leaves the upload as it was, and nothing at the location', async () => {
      const upload = await append(store, await start(store, 'back'), bytes(1000))
      const location = await store.commit(upload, digestOf(bytes(1000)))
      expect(await readContent(await store.open(location))).toEqual(bytes(1000))
      await store.retract(upload, location)
      await expectCode(store.open(location), 'blob_unknown')
      await expectCode(store.retract(upload, location), 'upload_unknown')
      const whole = await append(store, upload, bytes(500))
      const content = new Uint8Array([...bytes(1000), ...bytes(500)])
      expect(await readContent(await store.open(await store.commit(whole, digestOf(content))))).toEqual(content)
    })

    test('small content opened again and again is the same, whole and in part, until it is removed', async () => {
      const [content, other] = [bytes(20_000), bytes(20_001)]
      const location = await publish(store, 'small', content)
      const neighbour = await publish(store, 'other', other)
      for (let time = 0; time < 3; time++) {
        expect(await readContent(await store.open(location))).toEqual(content)
        expect(await readContent(await store.open(neighbour))).toEqual(other)
        const range = { firstByte: 5_000 + time, lastByte: 9_999 }
        expect(await readContent(await store.open(location, range), range)).toEqual(
          content.subarray(range.firstByte, range.lastByte + 1),
        )
      }
      await store.remove(location)
      await expectCode(store.open(location), 'blob_unknown')
      expect(await readContent(await store.open(neighbour))).toEqual(other)
    })

    for (const range of [
      { firstByte: 0, lastByte: 0 },
      { firstByte: 0, lastByte: 299_999 },
      { firstByte: 131_072, lastByte: 262_143 },
      { firstByte: 299_999, lastByte: 299_999 },
    ] satisfies ByteRange[]) {
      test(`bytes ${range.firstByte}-${range.lastByte} of content can be read alone`, async () => {
        const content = bytes(300_000)
        const opened = await store.open(await publish(store, 'ranged', content), range)
        expect(sizeOf(opened)).toBe(content.byteLength)
        expect(await readContent(opened, range)).toEqual(content.subarray(range.firstByte, range.lastByte + 1))
      })
    }

    test('the size of content is told as long as it is there, and of content that was just read as well', async () => {
      for (const length of [0, 10, 100_000]) {
        const location = await publish(store, `of-${length}`, bytes(length))
        await store.open(location)
        expect(await store.findSize(location)).toBe(length)
        await (await fixture.openAgain()).remove(location)
        expect(await store.findSize(location)).toBeUndefined()
      }
    })

    test('removed content is blob_unknown, and removing it again is no error', async () => {
      const location = await publish(store, 'gone', bytes(10))
      await store.remove(location)
      await expectCode(store.open(location), 'blob_unknown')
      await store.remove(location)
    })

    test('an aborted upload is upload_unknown, and aborting it again is no error', async () => {
      const upload = await append(store, await start(store, 'dropped'), bytes(300_000))
      await store.abort(upload)
      await expectCode(store.openUpload(upload), 'upload_unknown')
      await expectCode(store.readUpload(upload), 'upload_unknown')
      await expectCode(store.commit(upload, digestOf(bytes(300_000))), 'upload_unknown')
      await store.abort(upload)
    })

    test('a location that the store did not make is blob_unknown', async () => {
      const real = await publish(store, 'real', bytes(10))
      const tampered = ['', '.', '..', '/', '../..', '../../etc/passwd', '/etc/passwd', `../blobs/${real}`, `/${real}`]
      tampered.push(`./${real}`, `${real}/..`, `${real}/../../..`, `${real}\n`, `${real}\0`, real.slice(0, -1))
      tampered.push(
        real.toUpperCase(),
        real.replaceAll('/', '//'),
        real.replaceAll('/', '\\'),
        encodeURIComponent(real),
      )
      for (const location of tampered.filter(text => text !== real)) {
        await expectCode(store.open(location as BlobLocation), 'blob_unknown')
        expect(await store.findSize(location as BlobLocation)).toBeUndefined()
      }
      expect(await readContent(await store.open(real))).toEqual(bytes(10))
    })

    test('an upload id that would lead elsewhere is refused', async () => {
      const state = (await start(store, 'good')).state
      for (const uploadId of ['', '.', '..', '../up', 'a/b', '/etc/passwd', 'a\0b', 'a.b', 'x'.repeat(300)]) {
        await expectCode(store.startUpload(uploadId), 'upload_unknown')
        await expectCode(store.openUpload({ uploadId, state, offsetBytes: 0 }), 'upload_unknown')
        await store.abort({ uploadId, state, offsetBytes: 0 })
      }
    })

    test('uploads whose bytes began to come before a time are listed until they end', async () => {
      const hourMs = 3_600_000
      const listed = async (beforeMs: number) => (await Array.fromAsync(store.listUploads(beforeMs))).sort()
      const upload = await append(store, await start(store, 'aborted'), bytes(10))
      const committed = await append(store, await start(store, 'committed'), bytes(10))
      await append(store, await start(store, 'waiting'), bytes(1))
      await store.check()
      expect(await listed(Date.now() + hourMs)).toEqual(['aborted', 'committed', 'waiting'])
      expect(await listed(Date.now() - hourMs)).toEqual([])
      await store.abort(upload)
      await store.commit(committed, digestOf(bytes(10)))
      expect(await listed(Date.now() + hourMs)).toEqual(['waiting'])
    })

    test('content is listed page by page in the order of its locations, and staged bytes are not', async () => {
      const published = new Map<string, { uploadId: string; sizeBytes: number }>()
      for (let number = 0; number < 12; number++) {
        const uploadId = `u${number}`
        const algorithm = number % 4 === 0 ? 'sha512' : 'sha256'
        const location = await publish(store, uploadId, bytes(1000 + (number >> 1)), algorithm)
        published.set(location, { uploadId, sizeBytes: 1000 + (number >> 1) })
      }
      await append(store, await start(store, 'staged'), bytes(10))
      const inOrder = [...published.keys()].sort()
      for (const limit of [1, 5, 12, 100]) {
        const pages = await listPages(store, limit)
        expect(pages.flat().map(({ location }) => location as string)).toEqual(inOrder)
        expect(pages.every(page => page.length <= limit)).toBe(true)
      }
      for (const { location, uploadId, sizeBytes, modifiedMs } of (await listPages(store, 100)).flat()) {
        expect({ uploadId, sizeBytes }).toEqual(published.get(location) ?? { uploadId: '', sizeBytes: -1 })
        expect(Math.abs(Date.now() - modifiedMs)).toBeLessThan(60_000)
      }
    })

    test('a list goes on behind content that was removed since, and tells nothing of it', async () => {
      const locations: BlobLocation[] = []
      for (let number = 0; number < 4; number++) locations.push(await publish(store, `u${number}`, bytes(number)))
      locations.sort()
      const [first, second, third, fourth] = locations as [BlobLocation, BlobLocation, BlobLocation, BlobLocation]
      expect((await store.listContent({ after: undefined, limit: 2 })).next).toBe(second)
      await store.remove(second)
      await store.remove(third)
      const rest = await store.listContent({ after: second, limit: 2 })
      expect(rest.content.map(({ location }) => location)).toEqual([fourth])
      const again = await store.listContent({ after: undefined, limit: 10 })
      expect(again.content.map(({ location }) => location)).toEqual([first, fourth])
      expect(again.next).toBeUndefined()
    })

    test('an empty store lists no content', async () => {
      expect(await store.listContent({ after: undefined, limit: 10 })).toEqual({ content: [], next: undefined })
    })

    test('a store that works passes its check and tells its free bytes, if it can', async () => {
      await store.check()
      const freeBytes = await store.freeBytes()
      expect(freeBytes === undefined || freeBytes > 0).toBe(true)
    })

    test('a closed writer takes no more', async () => {
      const upload = await start(store, 'closed')
      const writer = await store.openUpload(upload)
      await writer[Symbol.asyncDispose]()
      await writer[Symbol.asyncDispose]()
      await expectCode(writer.write(bytes(10)), 'unavailable')
      await expectCode(writer.flush(), 'unavailable')
    })

    test('reading staged content can be given up in the middle', async () => {
      const upload = await append(store, await start(store, 'half'), bytes(900_000))
      const reader = (await store.readUpload(upload)).getReader()
      const { value } = await reader.read()
      expect(value?.byteLength).toBeGreaterThan(0)
      await reader.cancel()
      const done = await append(store, upload, bytes(10))
      expect(done.offsetBytes).toBe(900_010)
    })

    test('32 MB pass through a writer and back while less than half of it is held', async () => {
      const chunkBytes = 64 * 1024
      const chunks = 512
      const hash = createHash('sha256')
      const upload = await start(store, 'big')
      const memory = watchMemory()
      await using writer = await store.openUpload(upload)
      for (let index = 0; index < chunks; index++) {
        const chunk = new Uint8Array(chunkBytes).fill(index + 1)
        hash.update(chunk)
        await writer.write(chunk)
        if (index % 64 === 0) memory.look()
      }
      memory.look()
      const written = { ...upload, ...(await writer.flush()) }
      const readHash = createHash('sha256')
      for await (const chunk of await store.readUpload(written)) {
        readHash.update(chunk)
        memory.look()
      }
      const hex = hash.digest('hex')
      expect(readHash.digest('hex')).toBe(hex)
      expect(written.offsetBytes).toBe(chunks * chunkBytes)
      expect(memory.mostGrownBytes()).toBeLessThan((chunks * chunkBytes) / 2)
      const opened = await store.open(await store.commit(written, { algorithm: 'sha256', hex }))
      expect(sizeOf(opened)).toBe(chunks * chunkBytes)
    })
  })
}

/** Every page of a store's content. */
export async function listPages(store: BlobStore, limit: number): Promise<(readonly StoredContent[])[]> {
  const pages: (readonly StoredContent[])[] = []
  let after: BlobLocation | undefined
  do {
    const page = await store.listContent({ after, limit })
    pages.push(page.content)
    after = page.next
  } while (after !== undefined)
  return pages
}

/** `length` bytes that differ from their neighbours and at every 64 KiB. */
export function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + (index >> 16)) & 0xff)
}

export function digestOf(content: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): ContentDigest {
  return { algorithm, hex: createHash(algorithm).update(content).digest('hex') }
}

export async function start(store: BlobStore, uploadId: string): Promise<StagedUpload> {
  return { uploadId, state: await store.startUpload(uploadId), offsetBytes: 0 }
}

/** Opens, writes, flushes and closes; returns the upload as its session row would have it. */
export async function append(store: BlobStore, upload: StagedUpload, content: Uint8Array): Promise<StagedUpload> {
  await using writer = await store.openUpload(upload)
  await writer.write(content.slice())
  return { ...upload, ...(await writer.flush()) }
}

export async function publish(
  store: BlobStore,
  uploadId: string,
  content: Uint8Array,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<BlobLocation> {
  const upload = await append(store, await start(store, uploadId), content)
  return store.commit(upload, digestOf(content, algorithm))
}

/** The bytes that a client would get of opened content. */
export async function readContent(content: BlobContent, range?: ByteRange): Promise<Uint8Array> {
  switch (content.kind) {
    case 'file': {
      const file = Bun.file(content.path)
      if (content.range === undefined) return file.bytes()
      return file.slice(content.range.firstByte, content.range.lastByte + 1).bytes()
    }
    case 'bytes': {
      const { bytes } = content
      return (content.range ? bytes.slice(content.range.firstByte, content.range.lastByte + 1) : bytes).bytes()
    }
    case 'stream':
      return readAll(content.stream)
    case 'redirect': {
      // A client repeats its own Range header at the other address.
      const headers = range === undefined ? {} : { range: `bytes=${range.firstByte}-${range.lastByte}` }
      const answer = await fetch(content.url, { headers })
      return answer.bytes()
    }
  }
}

export async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  const outcome = await work.then(
    () => 'no error',
    error => error?.code ?? error,
  )
  expect(outcome).toBe(code)
}

function sizeOf(content: BlobContent): number | undefined {
  return content.kind === 'redirect' ? undefined : content.sizeBytes
}

function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Response(stream).bytes()
}

/** Follows how far the memory of this process grows over what it is now, garbage aside. */
function watchMemory(): { look: () => void; mostGrownBytes: () => number } {
  const residentBytes = () => {
    Bun.gc(true)
    return process.memoryUsage.rss()
  }
  const atFirst = residentBytes()
  let most = atFirst
  return {
    look() {
      most = Math.max(most, residentBytes())
    },
    mostGrownBytes: () => most - atFirst,
  }
}
