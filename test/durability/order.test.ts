import { expect, test } from 'bun:test'
import { findAnswers, findBreaches as findBreachesOf } from './order.ts'
import { parseTrace, type SystemCall } from './trace.ts'

const findBreaches = (calls: readonly SystemCall[], dataDir: string) =>
  findBreachesOf(calls, dataDir, findAnswers(calls))

/** A push as it must be, one line a step; thread 10 is the event loop. */
const steps = {
  listen: '10 listen(5<socket:[1]>, 512) = 0',
  accept: '10 accept4(5<socket:[1]>, NULL, NULL, SOCK_CLOEXEC) = 6<socket:[2]>',
  bytes: '12 pwritev(7</d/uploads/u1>, [{iov_base="abc", iov_len=3}], 1, 0) = 3',
  bytesSynced: '13 fdatasync(7</d/uploads/u1>) = 0',
  newFolder: '13 mkdir("/d/blobs/sha256/ab", 0700) = 0',
  newFolderSynced: '14 fsync(8</d/blobs/sha256>) = 0',
  renamed: '12 rename("/d/uploads/u1", "/d/blobs/sha256/ab/abcd.u1") = 0',
  folderSynced: '14 fsync(8</d/blobs/sha256/ab>) = 0',
  log: '10 pwrite64(9</d/stower.db-wal>, "\\0\\0\\") = "..., 24, 32) = 24',
  logSynced: '13 fdatasync(9</d/stower.db-wal>) = 0',
  answer: '10 sendto(6<socket:[2]>, "HTTP/1.1 201 Created\\r\\nLocation: "..., 300, 0, NULL, 0) = 300',
}
type Step = keyof typeof steps
const inOrder = Object.keys(steps) as Step[]

function breachesOf(order: readonly Step[], changed: Partial<Record<Step, string>> = {}): string[] {
  const lines = order.map(step => changed[step] ?? steps[step])
  return findBreaches(parseTrace(lines.join('\n')), '/d')
}

function without(step: Step): Step[] {
  return inOrder.filter(each => each !== step)
}

/** The order with `step` moved behind `other`. */
function moved(step: Step, other: Step): Step[] {
  return without(step).flatMap(each => (each === other ? [each, step] : [each]))
}

test('the order that a push must have is no breach', () => {
  expect(breachesOf(inOrder)).toEqual([])
})

test.each<[Step[], string]>([
  [without('bytes'), 'no bytes were written to /d/uploads/u1'],
  [without('bytesSynced'), '/d/uploads/u1 was renamed before its bytes were synced'],
  [moved('bytes', 'bytesSynced'), '/d/uploads/u1 was renamed before its bytes were synced'],
  [moved('bytesSynced', 'renamed'), '/d/uploads/u1 was renamed before its bytes were synced'],
  [without('newFolderSynced'), 'the new folder /d/blobs/sha256/ab was not synced in /d/blobs/sha256 before the answer'],
  [
    moved('newFolderSynced', 'answer'),
    'the new folder /d/blobs/sha256/ab was not synced in /d/blobs/sha256 before the answer',
  ],
  [without('folderSynced'), 'the folder /d/blobs/sha256/ab was not synced between the rename and the answer'],
  [moved('renamed', 'folderSynced'), 'the folder /d/blobs/sha256/ab was not synced between the rename and the answer'],
  [moved('folderSynced', 'answer'), 'the folder /d/blobs/sha256/ab was not synced between the rename and the answer'],
  [moved('folderSynced', 'log'), 'the log was written before the folder /d/blobs/sha256/ab was synced'],
  [without('log'), '201 was sent before anything was written to the log'],
  [without('logSynced'), '201 was sent before the log was synced'],
  [moved('log', 'logSynced'), '201 was sent before the log was synced'],
  [moved('logSynced', 'answer'), '201 was sent before the log was synced'],
])('%j is a breach', (order, breach) => {
  expect(breachesOf(order)).toContain(breach)
})

test('a deletion that is answered before the log is synced is a breach', () => {
  const answer = steps.answer.replace('201 Created', '202 Accepted')
  expect(breachesOf(inOrder, { answer })).toEqual([])
  expect(breachesOf(without('logSynced'), { answer })).toEqual(['202 was sent before the log was synced'])
})

test('a sync that failed counts for nothing', () => {
  const failed = '13 fdatasync(9</d/stower.db-wal>) = -1 EIO (Input/output error)'
  expect(breachesOf(inOrder, { logSynced: failed })).toEqual(['201 was sent before the log was synced'])
})

test('a sync that was begun in time and ended late is a breach', () => {
  const order = inOrder.flatMap((step): Step[] => [step])
  const begun = '13 fdatasync(9</d/stower.db-wal> <unfinished ...>'
  const lines = [...order.map(step => (step === 'logSynced' ? begun : steps[step])), '13 <... fdatasync resumed>) = 0']
  expect(findBreaches(parseTrace(lines.join('\n')), '/d')).toEqual(['201 was sent before the log was synced'])
})

test('a sync that another thread interrupted and that ended in time is good', () => {
  const lines = inOrder.flatMap(step =>
    step === 'logSynced'
      ? [
          '13 fdatasync(9</d/stower.db-wal> <unfinished ...>',
          '15 +++ exited with 0 +++',
          '13 <... fdatasync resumed>) = 0',
        ]
      : [steps[step]],
  )
  expect(findBreaches(parseTrace(lines.join('\n')), '/d')).toEqual([])
})

test('a sync by the event loop is a breach', () => {
  const byLoop = { logSynced: steps.logSynced.replace('13', '10') }
  expect(breachesOf(inOrder, byLoop)).toEqual(['the event loop waited for fdatasync(/d/stower.db-wal)'])
})

test('a trace of nothing is a breach', () => {
  expect(findBreaches([], '/d')).toEqual(['the trace has no thread that accepts connections'])
})
