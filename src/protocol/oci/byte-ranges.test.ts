import { expect, test } from 'bun:test'
import { frameRanges } from './byte-ranges.ts'

test('a frame has a head for each range, an end, and the length of all of it', () => {
  const ranges = [
    { firstByte: 0, lastByte: 1 },
    { firstByte: 5, lastByte: 9 },
  ]
  const frame = frameRanges(ranges, { sizeBytes: 10, mediaType: 'application/octet-stream' }, 'b0')
  expect(frame.contentType).toBe('multipart/byteranges; boundary=b0')
  const content = '0123456789'
  const body = ranges
    .map(({ firstByte, lastByte }, index) => `${frame.heads[index]}${content.slice(firstByte, lastByte + 1)}`)
    .join('')
  expect(`${body}${frame.end}`).toBe(
    '--b0\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n' +
      '--b0\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 5-9/10\r\n\r\n56789\r\n--b0--\r\n',
  )
  expect(frame.sizeBytes).toBe(body.length + frame.end.length)
})
