import { expect, test } from 'bun:test'
import { canonicalPaths } from './canonical-path.ts'

test.each<[string, readonly string[]]>([
  ['/', ['/']],
  ['/v2', ['/v2/']],
  ['/v2/', ['/v2/']],
  ['/a-b_c.d~e', ['/a-b_c.d~e/']],
  ['/repos/a$b', ['/repos/a%24b/']],
  ['/repos/a%24b', ['/repos/a%24b/', '/repos/a%2524b/']],
  ['/repos/a%2Fb', ['/repos/a/b/', '/repos/a%252Fb/', '/repos/a%2Fb/']],
  ['/repos/a%20b', ['/repos/a%20b/', '/repos/a%2520b/']],
  ['/%e4', ['/%E4/', '/%25e4/']],
  ['/café', ['/caf%C3%A9/']],
  ['/a%zzb', ['/a%25zzb/']],
  ['/a//b', ['/a//b/']],
  ["/*'()!", ['/%2A%27%28%29%21/']],
])('%s may be signed as %p', (path, expected) => {
  expect(canonicalPaths(path)).toEqual(expected)
})
