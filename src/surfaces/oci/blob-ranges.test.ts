import { expect, test } from 'bun:test'
import { frameRanges } from '../../protocol/oci/byte-ranges.ts'
import { RangeAnswers } from './blob-ranges.ts'

const content = 'abcdefghij'
const ranges = [
  { firstByte: 0, lastByte: 1 },
  { firstByte: 4, lastByte: 9 },
] as const
const frame = frameRanges(ranges, { sizeBytes: content.length, mediaType: 'text/plain' }, 'b')
const part = ({ firstByte, lastByte }: { firstByte: number; lastByte: number }) =>
  new Blob([content.slice(firstByte, lastByte + 1)]).stream()

const begin = (answers: RangeAnswers, open = async (range: (typeof ranges)[number]) => part(range)) =>
  answers.stream(frame, ranges, part(ranges[0]), open as never)

test('there is room again for who ended, failed or left', async () => {
  const answers = new RangeAnswers(1)
  const whole = begin(answers)
  expect(answers.hasRoom).toBe(false)
  const text = await new Response(whole).text()
  expect(text).toBe(`${frame.heads[0]}ab${frame.heads[1]}efghij${frame.end}`)
  expect([text.length, answers.hasRoom]).toEqual([frame.sizeBytes, true])

  const failing = begin(answers, () => Promise.reject(new Error('the disk is gone')))
  expect(answers.hasRoom).toBe(false)
  await expect(new Response(failing).text()).rejects.toThrow('the disk is gone')
  expect(answers.hasRoom).toBe(true)

  const left = begin(answers).getReader()
  await left.read()
  expect(answers.hasRoom).toBe(false)
  await left.cancel()
  expect(answers.hasRoom).toBe(true)
})

test('what its client has left is read no further', async () => {
  let opened = 0
  const reader = begin(new RangeAnswers(1), async range => {
    opened++
    return part(range)
  }).getReader()
  await reader.read()
  await reader.cancel()
  expect(opened).toBe(0)
})
