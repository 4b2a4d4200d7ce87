import { expect, test } from 'bun:test'
import { literalsFirst } from './route-order.ts'

test('a word comes before a parameter in the same place, the foremost place first', () => {
  const paths = ['/repos/:r/:tag/references', '/repos/:r/tags/:tag', '/:x/tags/references', '/repos/:r/tags/all']
  expect(literalsFirst(paths.map(path => ({ path }))).map(route => route.path)).toEqual([
    '/repos/:r/tags/all',
    '/repos/:r/tags/:tag',
    '/repos/:r/:tag/references',
    '/:x/tags/references',
  ])
})

test('routes of one shape keep their order', () => {
  const routes = ['/b/:x', '/a/:x', '/c/:x'].map(path => ({ path }))
  expect(literalsFirst(routes)).toEqual(routes)
})
