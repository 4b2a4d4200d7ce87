import { createHash } from 'node:crypto'
import fc from 'fast-check'

/** Where a request says that its bytes begin: at the offset, before or behind it, or nowhere (a stream). */
type From = 'here' | 'before' | 'behind' | 'stream'

/** `sentBytes` is what a whole request has, or what is sent before a cut; `isChunked` sends no Content-Length. */
export type Simple =
  | { kind: 'patch'; from: From; sentBytes: number; isChunked: boolean }
  | { kind: 'put'; from: From; sentBytes: number; isRight: boolean }
  | { kind: 'status' }
  | { kind: 'cancel' }

export type Step =
  | Simple
  | { kind: 'both'; requests: readonly [Simple, Simple] }
  /** A PATCH that announces more than it sends, and then loses its connection. */
  | { kind: 'cut'; by: 'reset' | 'close' | 'restart'; sentBytes: number; lackingBytes: number; isChunked: boolean }
  /** A PATCH whose Content-Range says so many bytes more (less, where negative) than its body has. */
  | { kind: 'mismatch'; sentBytes: number; missingBytes: number; isChunked: boolean }
  | { kind: 'restart' }

const bytes = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 300_000 }))
const from = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<From>('here', 'stream') },
  { weight: 1, arbitrary: fc.constantFrom<From>('before', 'behind') },
)
const patch = fc.record({ kind: fc.constant('patch' as const), from, sentBytes: bytes, isChunked: fc.boolean() })
const put = fc.record({
  kind: fc.constant('put' as const),
  from,
  sentBytes: fc.oneof(fc.constant(0), bytes),
  isRight: fc.boolean(),
})
const status = fc.constant({ kind: 'status' as const })
const cancel = fc.constant({ kind: 'cancel' as const })
const simple: fc.Arbitrary<Simple> = fc.oneof(
  { weight: 5, arbitrary: patch },
  { weight: 2, arbitrary: put },
  { weight: 1, arbitrary: status },
  { weight: 1, arbitrary: cancel },
)

/** What clients of one upload may do to it, one after the other and two at once. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 8, arbitrary: simple },
    { weight: 3, arbitrary: fc.tuple(simple, simple).map(requests => ({ kind: 'both', requests })) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('cut' as const),
        by: fc.constantFrom('reset' as const, 'reset' as const, 'close' as const, 'close' as const, 'restart' as const),
        // Nothing and one byte are told alike.
        sentBytes: bytes.map(length => length + 1),
        lackingBytes: bytes,
        isChunked: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('mismatch' as const),
        sentBytes: bytes.map(length => length + 9),
        missingBytes: fc.constantFrom(-9, -1, 1, 9),
        isChunked: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { minLength: 1, maxLength: 12 },
)

/** A walk that leaves none out, however little time there is for others. */
export const oneOfEach: readonly Step[] = [
  { kind: 'patch', from: 'here', sentBytes: 5_000, isChunked: true },
  { kind: 'patch', from: 'before', sentBytes: 10, isChunked: false },
  { kind: 'mismatch', sentBytes: 10_000, missingBytes: 1, isChunked: true },
  { kind: 'mismatch', sentBytes: 10_000, missingBytes: -1, isChunked: true },
  { kind: 'mismatch', sentBytes: 10, missingBytes: 1, isChunked: false },
  { kind: 'cut', by: 'reset', sentBytes: 100_000, lackingBytes: 1, isChunked: true },
  { kind: 'cut', by: 'close', sentBytes: 100_000, lackingBytes: 1, isChunked: false },
  { kind: 'restart' },
  { kind: 'cut', by: 'restart', sentBytes: 100_000, lackingBytes: 1, isChunked: false },
  {
    kind: 'both',
    requests: [
      { kind: 'patch', from: 'stream', sentBytes: 200_000, isChunked: false },
      { kind: 'patch', from: 'here', sentBytes: 200_000, isChunked: true },
    ],
  },
  {
    kind: 'both',
    requests: [{ kind: 'put', from: 'stream', sentBytes: 10, isRight: true }, { kind: 'cancel' }],
  },
  { kind: 'put', from: 'stream', sentBytes: 10, isRight: false },
  { kind: 'status' },
]

/** Bytes that no other number gives. */
export function bytesOf(number: number, length: number): Buffer<ArrayBuffer> {
  return Buffer.from(createHash('shake256', { outputLength: length }).update(String(number)).digest())
}
