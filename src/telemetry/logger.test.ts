import { expect, test } from 'bun:test'
import { openLogger } from './logger.ts'

function open(level: 'info' | 'warn' = 'info') {
  const lines: Record<string, unknown>[] = []
  const logger = openLogger({ level, format: 'json', write: line => void lines.push(JSON.parse(line)) })
  return { lines, logger }
}

test('a line says level, time, fields and message, whatever is in them', () => {
  const { lines, logger } = open()
  const before = Date.now()
  logger.info({ caller: 'a"\n\u2028', bytes: 0, absent: undefined }, 'request')
  logger.warn({ caller: 'b' }, 'another')
  expect(lines).toEqual([
    { level: 'info', time: expect.any(String), caller: 'a"\n\u2028', bytes: 0, message: 'request' },
    { level: 'warn', time: expect.any(String), caller: 'b', message: 'another' },
  ])
  for (const { time } of lines) {
    expect(new Date(String(time)).toISOString()).toBe(String(time))
    expect(new Date(String(time)).getTime()).toBeWithin(before, Date.now() + 1)
  }
})

test('an error is written with its causes, at every level', () => {
  const { lines, logger } = open()
  const error = new Error('outer', { cause: new TypeError('inner') })
  logger.info({ error }, 'x')
  logger.error({ error }, 'y')
  for (const line of lines) {
    expect(line.error).toMatchObject({
      name: 'Error',
      message: 'outer',
      cause: { name: 'TypeError', message: 'inner' },
    })
  }
  expect(lines).toHaveLength(2)
})

test('below the level nothing is written', () => {
  const { lines, logger } = open('warn')
  logger.info({ a: 1 }, 'x')
  logger.info({ error: new Error('e') }, 'x')
  logger.warn({ a: 1 }, 'y')
  expect(lines.map(line => line.message)).toEqual(['y'])
})
