import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findBreaches } from './architecture/check.ts'

const root = join(import.meta.dir, '..')

test('the sources keep to the architecture', () => {
  const paths = [...new Bun.Glob('src/**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}').scanSync({ cwd: root })]
  expect(paths).toContain('src/config.ts')
  const breaches = findBreaches(new Map(paths.map(path => [path, readFileSync(join(root, path), 'utf8')])))
  expect(breaches.join('\n')).toBe('')
})
