import { expect, test } from 'bun:test'
import { groupsWithin } from './groups.ts'

test.each([
  [[], []],
  [[1], [[1]]],
  [[9], [[9]]],
  [[1, 2], [[1, 2]]],
  [
    [1, 2, 1, 3],
    [[1, 2], [1], [3]],
  ],
  [
    [9, 1, 2, 9],
    [[9], [1, 2], [9]],
  ],
  [
    [0, 0, 3, 0, 1],
    [[0, 0, 3, 0], [1]],
  ],
])('%j within 3 are %j', (items: number[], groups: number[][]) => {
  expect(groupsWithin(items, 3, item => item)).toEqual(groups)
})
