import { expect, test } from 'bun:test'
import { findImports, hasComputedImport, isBarrel } from './imports.ts'
import { maskSource } from './source-text.ts'

test.each([
  ["import { a } from './a.ts'", ['./a.ts']],
  ['import{a}from"./a.ts"', ['./a.ts']],
  ["import a, { type b } from './a.ts'", ['./a.ts']],
  ["import * as a from './a.ts'", ['./a.ts']],
  ["import type { A } from './a.ts'", ['./a.ts']],
  ["import {\n  a,\n  b as c, // a comment's quote\n} from './a.ts'", ['./a.ts']],
  ["import './a.ts'", ['./a.ts']],
  ["import a from './a.json' with { type: 'json' }", ['./a.json']],
  ["export { a } from './a.ts'", ['./a.ts']],
  ["export type { A } from './a.ts'", ['./a.ts']],
  ["export * from './a.ts'", ['./a.ts']],
  ["export * as a from './a.ts'", ['./a.ts']],
  ["const a = await import('./a.ts')", ['./a.ts']],
  ['const a = await import(`./a.ts`)', ['./a.ts']],
  ["const a = await import(/* why */ './a.ts', {})", ['./a.ts']],
  ["type A = import('./a.ts').A", ['./a.ts']],
  ["const a = require('./a.ts')", ['./a.ts']],
  ["const a = import.meta.resolve('./a.ts')", ['./a.ts']],
  ["new Worker(new URL('./a.ts', import.meta.url).href)", ['./a.ts']],
  ["new Worker(new URL('a.ts', import.meta.url))", ['./a.ts']],
  ["new Worker('./a.ts')", ['./a.ts']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source with a template in it
  ["const text = `one ${await import('./a.ts')} two ${`${require('./b.ts')}`}`", ['./a.ts', './b.ts']],
  ["const slash = /['\"`]/\nimport a from './a.ts'", ['./a.ts']],
  ["const half = a / 2\nimport b from './b.ts' // '", ['./b.ts']],
  ["const words = text.split(/[/']/).map(x => /'/.test(x))\nimport a from './a.ts'", ['./a.ts']],
  ["import a from './a.ts'\nexport { b } from './b.ts'\nimport 'c'", ['./a.ts', './b.ts', 'c']],
])('%j imports %j', (source, expected) => {
  expect(findImports(maskSource(source)).sort()).toEqual(expected)
})

test.each([
  "// import a from './a.ts'",
  "/* import a from './a.ts' */",
  "/**\n * import a from './a.ts'\n */",
  'const text = "import a from \'./a.ts\'"',
  "const text = `\nimport a from './a.ts'\n`",
  "const text = `\\`import('./a.ts')`",
  "const pattern = /import a from '.\\/a.ts'/",
  "new URL('/v2/', base)",
  "const from = 'a'\nimporter.import('./a.ts')",
])('%j imports nothing', source => {
  expect(findImports(maskSource(source))).toEqual([])
})

test.each([
  ["import('./a.ts')", false],
  ["import('./a.ts', { with: { type: 'json' } })", false],
  ['import(name)', true],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source with a template in it
  ['import(`./${name}.ts`)', true],
  ["import('./' + name)", true],
  ['require(name)', true],
  ['door.import(name)', false],
  ['import.meta.url', false],
])('%j computes its path: %p', (source, expected) => {
  expect(hasComputedImport(maskSource(source))).toBe(expected)
})

test.each([
  ["export * from './a.ts'", true],
  ["export { a } from './a.ts'\nexport type { B } from './b.ts'", true],
  ["import { a } from './a.ts'\n\n/** Why. */\nexport { a }", true],
  ["export * as a from './a.ts'; export { b } from './b.ts';", true],
  ["export { a } from './a.ts'\nexport const b = 1", false],
  ["import { a } from './a.ts'\na()", false],
  ["import './a.ts'", false],
  ['const a = 1\nexport { a }', false],
  ['', false],
])('%j is a barrel: %p', (source, expected) => {
  expect(isBarrel(maskSource(source))).toBe(expected)
})
