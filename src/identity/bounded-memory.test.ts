import { expect, test } from 'bun:test'
import { BoundedMemory } from './bounded-memory.ts'

test('the least recently used entry is forgotten first', () => {
  const memory = new BoundedMemory<string, number>(2)
  memory.set('a', 1)
  memory.set('b', 2)
  expect(memory.get('a')).toBe(1)
  memory.set('c', 3)
  expect([memory.get('a'), memory.get('b'), memory.get('c')]).toEqual([1, undefined, 3])
  expect(memory.size).toBe(2)
})

test('an entry set again stays one entry', () => {
  const memory = new BoundedMemory<string, number>(2)
  memory.set('a', 1)
  memory.set('a', 2)
  memory.set('b', 3)
  expect([memory.get('a'), memory.get('b'), memory.size]).toEqual([2, 3, 2])
  memory.delete('a')
  expect([memory.get('a'), memory.size]).toEqual([undefined, 1])
})
