import { expect, test } from 'bun:test'
import { errorBody, errorsBody, ociErrorCodes } from './errors.ts'

test('an error body has the shape of the specification', () => {
  expect(JSON.parse(errorBody('NAME_UNKNOWN', 'no such repository', { name: 'a/b' }))).toEqual({
    errors: [{ code: 'NAME_UNKNOWN', message: 'no such repository', detail: { name: 'a/b' } }],
  })
})

test('detail is left out when there is none', () => {
  expect(errorBody('DENIED', 'not for you')).toBe('{"errors":[{"code":"DENIED","message":"not for you"}]}')
})

test('several errors stand in one body', () => {
  const missing = ['a', 'b'].map(detail => ({ code: 'MANIFEST_BLOB_UNKNOWN', message: 'not here', detail }) as const)
  expect(JSON.parse(errorsBody(missing)).errors).toEqual(missing)
})

test('codes are upper-case letters and underscores, each once', () => {
  expect(ociErrorCodes.filter(code => !/^[A-Z]+(_[A-Z]+)*$/.test(code))).toEqual([])
  expect(new Set(ociErrorCodes).size).toBe(ociErrorCodes.length)
})
