import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseRepositoryPath } from '../oci/names.ts'
import { namePatterns, parseOrganizationName, parseRepositoryName, readSlashes, reservationOf } from './names.ts'

/** The grammars of the API's pages as the one expression they print, with the runs of hyphens that docker takes. */
const organizationGrammar = /^(?=.{1,64}$)[a-z](?:[a-z0-9]|(?:[.]|__?|-+)(?=[a-z0-9]))*$/
const repositoryGrammar = /^(?=.{1,128}$)[a-z0-9](?:[a-z0-9]|(?:[./]|__?|-+)(?=[a-z0-9]))*$/

const nearlyNames = fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', '.', '_', '-', '/', 'A', ' ', '$') })

test('an organization name is what the pages say', () => {
  fc.assert(
    fc.property(nearlyNames, text => {
      expect(parseOrganizationName(text).kind === 'name').toBe(organizationGrammar.test(text))
    }),
    { numRuns: 5000 },
  )
})

test('a repository name is what the pages say', () => {
  fc.assert(
    fc.property(nearlyNames, text => {
      expect(parseRepositoryName(text).kind === 'name').toBe(repositoryGrammar.test(text))
    }),
    { numRuns: 5000 },
  )
})

test('the patterns of the documents are those grammars', () => {
  const [organization, repository] = [new RegExp(namePatterns.organization), new RegExp(namePatterns.repository)]
  const inPath = new RegExp(namePatterns.repositoryInPath)
  fc.assert(
    fc.property(nearlyNames, text => {
      if (text.length > 64) return
      expect(organization.test(text)).toBe(parseOrganizationName(text).kind === 'name')
      expect(repository.test(text)).toBe(parseRepositoryName(text).kind === 'name')
      const isNameInPath = !text.includes('/') && parseRepositoryName(readSlashes(text)).kind === 'name'
      expect(inPath.test(text)).toBe(isNameInPath)
    }),
    { numRuns: 5000 },
  )
})

test('an organization and a repository make a path that docker takes', () => {
  const pieces = fc.string({
    unit: fc.constantFrom('a', 'z', '0', '.', '_', '__', '-', '--', '/'),
    minLength: 1,
    maxLength: 12,
  })
  const organizations = pieces.filter(text => organizationGrammar.test(text))
  const repositories = pieces.filter(text => repositoryGrammar.test(text))
  fc.assert(
    fc.property(organizations, repositories, (organization, repository) => {
      expect(parseRepositoryPath(`${organization}/${repository}`)).toBeDefined()
    }),
  )
})

test('a million characters are refused at once', () => {
  const before = process.cpuUsage()
  for (const text of ['a'.repeat(1e6), '-'.repeat(1e6), 'a-'.repeat(5e5), '_'.repeat(1e6)]) {
    expect(parseRepositoryName(text).kind).toBe('invalid')
  }
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(50)
})

test('$ is read as a slash', () => {
  expect(readSlashes('one$two$three')).toBe('one/two/three')
})

test('library and manage are reserved', () => {
  for (const [text, isReserved] of [
    ['library', true],
    ['manage', true],
    ['libraries', false],
    ['manager', false],
  ] as const) {
    const parsed = parseOrganizationName(text)
    expect(parsed.kind === 'name' && reservationOf(parsed.name) !== undefined).toBe(isReserved)
  }
})
