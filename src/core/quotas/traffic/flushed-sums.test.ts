import { expect, test } from 'bun:test'
import { FlushedSums } from './flushed-sums.ts'

test('sums are written by ascending key, some at a time, and once', async () => {
  const written: (readonly (readonly [string, number])[])[] = []
  const sums = new FlushedSums<string>({ mostPerWrite: 2, write: async each => void written.push(each) })
  sums.add('c', 1)
  sums.add('a', 5)
  sums.add('b', 2)
  sums.add('a', 6)
  await sums.flush()
  await sums[Symbol.asyncDispose]()
  expect(written).toEqual([
    [
      ['a', 11],
      ['b', 2],
    ],
    [['c', 1]],
  ])
})

test('what could not be written is kept, with what is added meanwhile', async () => {
  const written: [string, number][] = []
  let room = 1
  const sums = new FlushedSums<string>({
    mostPerWrite: 1,
    write: async each => {
      if (room-- === 0) throw new Error('full')
      written.push(...each.map(([key, amount]): [string, number] => [key, amount]))
    },
  })
  sums.add('a', 1)
  sums.add('b', 2)
  const flushing = sums.flush()
  sums.add('b', 10)
  await expect(flushing).rejects.toThrow('full')
  room = 2
  await sums[Symbol.asyncDispose]()
  expect(written).toEqual([
    ['a', 1],
    ['b', 12],
  ])
})
