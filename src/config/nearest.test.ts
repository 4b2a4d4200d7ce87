import { expect, test } from 'bun:test'
import { nearest } from './nearest.ts'

const keys = ['listen', 'data_dir', 'tls.cert_file', 'tls.key_file', 'uploads.expiry', 'log.level']

test.each([
  ['listen', 'listen'],
  ['listne', 'listen'],
  ['LISTEN', 'listen'],
  ['datadir', 'data_dir'],
  ['tls.cert', 'tls.cert_file'],
  ['tls.keyfile', 'tls.key_file'],
  ['log.lvel', 'log.level'],
  ['upload.expiry', 'uploads.expiry'],
])('%s is taken for %s', (word, expected) => {
  expect(nearest(word, keys)).toBe(expected)
})

test('a word that is like none of the candidates has no nearest one', () => {
  expect(nearest('frobnicate', keys)).toBeUndefined()
  expect(nearest('', keys)).toBeUndefined()
  expect(nearest('listen', [])).toBeUndefined()
})
