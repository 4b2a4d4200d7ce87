import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { formatScope } from '../oci/challenge.ts'
import { maxScopes, parseScopes, type Scope } from './scopes.ts'

describe('parseScopes', () => {
  test.each<[string, string[], Scope[]]>([
    ['nothing', [], []],
    ['an empty parameter', [''], []],
    ['one scope', ['repository:g/a:pull,push'], [{ type: 'repository', name: 'g/a', actions: ['pull', 'push'] }]],
    [
      'scopes joined by spaces and repeated',
      ['repository:g/a:pull,push  repository:g/b:pull ', 'registry:catalog:*'],
      [
        { type: 'repository', name: 'g/a', actions: ['pull', 'push'] },
        { type: 'repository', name: 'g/b', actions: ['pull'] },
        { type: 'registry', name: 'catalog', actions: ['*'] },
      ],
    ],
    ['a class', ['repository(plugin):g/a:pull'], [{ type: 'repository', name: 'g/a', actions: ['pull'] }]],
    [
      'a port in the name',
      ['repository:host:5000/a/b:pull'],
      [{ type: 'repository', name: 'host:5000/a/b', actions: ['pull'] }],
    ],
    ['no actions', ['repository:g/a:'], [{ type: 'repository', name: 'g/a', actions: [] }]],
    ['the same action twice', ['repository:g/a:pull,,pull'], [{ type: 'repository', name: 'g/a', actions: ['pull'] }]],
    [
      'one object twice',
      ['repository:g/a:pull', 'repository:g/a:push,pull'],
      [{ type: 'repository', name: 'g/a', actions: ['pull', 'push'] }],
    ],
    [
      'names of object properties',
      ['repository:__proto__:pull repository:constructor:pull'],
      [
        { type: 'repository', name: '__proto__', actions: ['pull'] },
        { type: 'repository', name: 'constructor', actions: ['pull'] },
      ],
    ],
  ])('reads %s', (_what, values, expected) => {
    expect(parseScopes(values)).toEqual(expected)
  })

  test.each([
    'repository',
    'repository:pull',
    'repository::pull',
    ':a:pull',
    'Repository:a:pull',
    'repository(:a:pull',
    'repository():a:pull',
    '::',
    ':',
    `repository:${'a'.repeat(2000)}:pull`,
    `repository:a:${Array.from({ length: 17 }, (_, index) => String.fromCharCode(97 + index))}`,
  ])('passes over %s and keeps the rest', text => {
    expect(parseScopes([`${text} repository:g/a:pull`])).toEqual([
      { type: 'repository', name: 'g/a', actions: ['pull'] },
    ])
  })

  test('drops actions that are no words', () => {
    expect(parseScopes(['repository:g/a:pull,PUSH,p/u,**,delete'])[0]?.actions).toEqual(['pull', 'delete'])
  })

  test('parse(format(scopes)) is the same scopes, joined or repeated', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab0/:._-'), minLength: 1, maxLength: 20 })
    const actions = fc.uniqueArray(fc.constantFrom('pull', 'push', 'delete', '*'))
    const scopes = fc.uniqueArray(fc.record({ type: fc.constantFrom('repository', 'registry'), name, actions }), {
      selector: scope => `${scope.type}:${scope.name}`,
    })
    fc.assert(
      fc.property(scopes, expected => {
        const texts = expected.map(scope => formatScope(scope.type, scope.name, scope.actions))
        expect(parseScopes(texts)).toEqual(expected)
        expect(parseScopes([texts.join(' ')])).toEqual(expected)
      }),
    )
  })

  test('takes a bounded number, and a megabyte at once', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `repository:g/a${index}:pull`)
    expect(parseScopes(many)).toHaveLength(maxScopes)
    expect(parseScopes([many.join(' ')])).toHaveLength(maxScopes)
    const before = process.cpuUsage()
    for (const piece of [':', ' ', 'a', ',', 'a:', '(']) parseScopes([piece.repeat(1_000_000 / piece.length)])
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000)
  })
})
