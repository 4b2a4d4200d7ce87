import { expect, test } from 'bun:test'
import { findBreaches } from './check.ts'

/** The sentences about a small tree; a file that is not worth a look is left out. */
function breachesOf(files: Record<string, string>): string[] {
  return findBreaches(new Map(Object.entries(files)))
}

const surface =
  'a surface imports core, identity, protocol, telemetry and http: call a command of core, and move what two surfaces share to src/http or src/protocol'
const identity =
  'identity imports core/caller, core/errors, core/clock, core/accounts and protocol: prove who asks here, and leave what they may do to core/access'
const slice =
  "a slice imports core's root, protocol and the stores' types: take what else it needs as a dependency that src/app.ts hands in"
const coreRoot = "core's root belongs to no slice and imports none: move the file into the slice that it needs"
const command =
  'a command imports app, configuration, core/errors, protocol and client: reach a data folder through src/app'
const http = 'http imports core/errors, core/caller and protocol: what knows more belongs to one surface'
const metadata = 'metadata imports core/errors: write the query in the slice that owns the rows'
const blobstore = 'blobstore imports core/errors and protocol: the store knows bytes, and core knows what they mean'
const config = 'configuration imports itself: hand values in from src/app.ts'
const app = 'the composition root imports everything but main, cli and console: let cli call app, not the reverse'

test.each([
  [
    'main.ts',
    'core/errors.ts',
    'the entry only picks a command: put the work into a file of src/cli or into src/app.ts',
  ],
  ['app.ts', 'cli/serve.ts', app],
  ['app/installation.ts', 'main.ts', app],
  ['cli/users.ts', 'core/accounts/users.ts', command],
  ['cli/users.ts', 'metadata/database.ts', command],
  [
    'console/page.tsx',
    'core/errors.ts',
    'the console imports protocol and client: ask the server over its API instead',
  ],
  ['config.ts', 'core/errors.ts', config],
  ['config/settings.ts', 'config.ts', config],
  ['surfaces/oci/tags.ts', 'surfaces/manage/tags.ts', surface],
  ['surfaces/oci/tags.ts', 'metadata/database.ts', surface],
  ['surfaces/oci/tags.ts', 'blobstore/blobstore.ts', surface],
  ['surfaces/oci/tags.ts', 'jobs/queue.ts', surface],
  ['surfaces/oci/tags.ts', 'config.ts', surface],
  ['http/body.ts', 'core/access/access.ts', http],
  ['http/body.ts', 'surfaces/oci/surface.ts', http],
  ['identity/identity.ts', 'core/access/access.ts', identity],
  ['identity/identity.ts', 'metadata/database.ts', identity],
  ['core/tags/tags.ts', 'surfaces/oci/surface.ts', slice],
  ['core/tags/tags.ts', 'identity/identity.ts', slice],
  ['core/tags/tags.ts', 'metadata/sqlite/database.ts', slice],
  ['core/tags/tags.ts', 'blobstore/filesystem.ts', slice],
  ['core/tags/tags.ts', 'http/body.ts', slice],
  ['core/tags/tags.ts', 'telemetry/logger.ts', slice],
  ['core/tags/tags.ts', 'core/unlisted.ts', slice],
  ['core/events.ts', 'core/tags/tags.ts', coreRoot],
  ['jobs/worker.ts', 'core/blobs/expire.ts', 'jobs imports metadata and telemetry: register the handler in src/app.ts'],
  ['client/registry-client.ts', 'core/errors.ts', 'client imports protocol: put what both ends share there'],
  ['protocol/oci/names.ts', 'core/errors.ts', 'protocol imports itself: it is what both ends of a wire agree on'],
  ['metadata/migrate.ts', 'core/events.ts', metadata],
  ['metadata/migrate.ts', 'protocol/oci/digest.ts', metadata],
  ['blobstore/filesystem.ts', 'core/blobs/read.ts', blobstore],
  ['blobstore/filesystem.ts', 'metadata/database.ts', blobstore],
  ['telemetry/logger.ts', 'core/errors.ts', 'telemetry imports itself: let src/app.ts hand in what is measured'],
])('%s may not import %s', (from, to, says) => {
  const up = '../'.repeat(from.split('/').length - 1) || './'
  expect(breachesOf({ [`src/${from}`]: `import type { X } from '${up}${to}'` })).toEqual([
    `src/${from} imports src/${to}: ${says}.`,
  ])
})

test.each([
  ['main.ts', 'cli/run.ts'],
  ['app.ts', 'surfaces/oci/surface.ts'],
  ['app.ts', 'metadata/postgres/database.ts'],
  ['app.ts', 'app/installation.ts'],
  ['app/backup.ts', 'config.ts'],
  ['cli/serve.ts', 'app.ts'],
  ['cli/serve.ts', 'config/print.ts'],
  ['config.ts', 'config/settings.ts'],
  ['surfaces/oci/tags.ts', 'surfaces/oci/errors.ts'],
  ['surfaces/oci/tags.ts', 'core/tags/commands.ts'],
  ['surfaces/oci/tags.ts', 'http/exchange.ts'],
  ['http/exchange.ts', 'core/caller.ts'],
  ['identity/identity.ts', 'core/accounts/queries.ts'],
  ['core/tags/tags.ts', 'core/totals.ts'],
  ['core/tags/tags.ts', 'metadata/dialects.ts'],
  ['core/tags/tags.ts', 'blobstore/blobstore.ts'],
  ['core/tags/tags.ts', 'core/repositories/push-target.ts'],
  ['core/accounts/proofs/queries.ts', 'core/accounts/names.ts'],
  ['core/events.ts', 'core/caller.ts'],
  ['metadata/sqlite/writer.ts', 'metadata/database.ts'],
  ['metadata/sqlite/writer.ts', 'core/errors.ts'],
  ['blobstore/blobstore.ts', 'protocol/oci/digest.ts'],
  ['blobstore/filesystem.test.ts', 'blobstore/suite.ts'],
  ['core/tags/commands.test.ts', 'metadata/sqlite/database.ts'],
])('%s may import %s', (from, to) => {
  const up = '../'.repeat(from.split('/').length - 1) || './'
  expect(breachesOf({ [`src/${from}`]: `import { x } from '${up}${to}'` })).toEqual([])
})

test.each([
  ['tags', 'manifests'],
  ['access', 'accounts'],
  ['repositories', 'audit'],
])('the slice %s may not import %s, which comes after it', (from, to) => {
  expect(breachesOf({ [`src/core/${from}/a.ts`]: `import { b } from '../${to}/b.ts'` })).toEqual([
    `src/core/${from}/a.ts imports src/core/${to}/b.ts: ${to} comes after ${from} in the order of slices: write an event row in the same transaction and let a job of ${to} react.`,
  ])
})

test('a slice without a place in the order is named', () => {
  expect(breachesOf({ 'src/core/stars/a.ts': "import { b } from '../tags/b.ts'" })).toEqual([
    'src/core/stars/a.ts imports src/core/tags/b.ts: the slice stars has no place in the order of slices: give it one.',
  ])
})

test('a folder without a row in the table is named', () => {
  expect(breachesOf({ 'src/extra/a.ts': 'export const a = 1' })).toEqual([
    'src/extra/a.ts is in no room: put it into one, or give its folder a row in the table of rooms.',
  ])
})

test.each(['../blobs/read.test.ts', '../../blobstore/suite.ts'])(
  'code that runs may not import the test %s',
  target => {
    const [breach] = breachesOf({ 'src/core/tags/a.ts': `import { b } from '${target}'` })
    expect(breach).toEndWith(': only tests import tests: move what both need into a file of its own.')
  },
)

test('nothing outside of src is imported but the file that has the version', () => {
  const files = {
    'src/cli/a.ts': "import { b } from '../../scripts/b.ts'",
    'src/cli/c.ts': "import p from '../../package.json' with { type: 'json' }",
  }
  expect(breachesOf(files)).toEqual([
    'src/cli/a.ts imports scripts/b.ts: src imports nothing outside of it: move the file into src, or hand in what it knows.',
  ])
})

const drivers =
  'only src/metadata knows the drivers: take a Database and write Kysely or a named function of metadata/dialects'
const files =
  'only the stores, configuration, src/cli and src/app touch files: keep bytes in the blob store or hand in what was read'
const packages =
  'core uses node:crypto and kysely and knows no other package: take it as a dependency, or parse at the edge'
const environment = 'only configuration, main and cli read the environment: declare a setting in src/config/settings.ts'
const io = 'core and protocol do no I/O: core goes through its Database and BlobStore, protocol through its caller'
const outgoing = 'only src/client/guarded-fetch.ts calls fetch: every outgoing request goes through its guards'
const sql =
  'SQL stands in files named queries.ts only: move the query there as a function whose first parameter is the database'
const defaults = 'there are no default exports: export it by the name that everyone shall call it'

test.each([
  ['identity/a.ts', "import { Database } from 'bun:sqlite'", 'an import of bun:sqlite', drivers],
  ['app.ts', "import { Pool } from 'pg'", 'an import of pg', drivers],
  ['jobs/a.ts', "import type { Cursor } from 'pg-cursor'", 'an import of pg-cursor', drivers],
  ['surfaces/oci/a.ts', "import { open } from 'node:fs/promises'", 'an import of node:fs/promises', files],
  ['identity/a.ts', "import { openSync } from 'fs'", 'an import of fs', files],
  ['core/tags/a.ts', "import { z } from 'zod'", 'an import of zod', packages],
  ['core/tags/a.ts', "import { Hono } from 'hono'", 'an import of hono', packages],
  ['core/a.ts', "import { hostname } from 'node:os'", 'an import of node:os', packages],
  ['core/tags/a.ts', 'const a = Bun.file(path)', '`Bun.file`', io],
  ['core/tags/a.ts', 'Bun.serve({})', '`Bun.serve`', io],
  ['protocol/oci/a.ts', 'await Bun.write(path, text)', '`Bun.write`', io],
  [
    'protocol/oci/a.ts',
    "import { connect } from 'node:net'",
    'an import of node:net',
    'protocol does no I/O: read and write where it is called, and hand in the values',
  ],
  ['core/tags/a.ts', 'const { HOME } = process.env', '`process.env`', environment],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source with a template in it
  ['app.ts', 'const home = `${Bun.env.HOME}/x`', '`Bun.env`', environment],
  ['http/a.ts', 'const home = import.meta.env.HOME', '`import.meta.env`', environment],
  ['client/registry-client.ts', 'const a = await fetch(url)', '`fetch(`', outgoing],
  ['core/sync/a.ts', 'return globalThis.fetch(url, { signal })', '`globalThis.fetch(`', outgoing],
  ['core/tags/a.ts', "await tx\n  .selectFrom('tags').execute()", '`.selectFrom(`', sql],
  ['core/tags/a.ts', "await tx.insertInto('tags')", '`.insertInto(`', sql],
  ['core/tags/a.ts', "await tx.updateTable('tags')", '`.updateTable(`', sql],
  ['core/tags/queries-of-tags.ts', "await tx.deleteFrom('tags')", '`.deleteFrom(`', sql],
  ['jobs/a.ts', 'await sql`delete from jobs`.execute(db)', '`sql``', sql],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source with a template in it
  ['core/tags/a.ts', 'await sql<Row>`select ${id}`.execute(db)', '`sql<Row>``', sql],
  ['cli/a.ts', 'export default {}', '`export default`', defaults],
  ['cli/a.test.ts', 'export default {}', '`export default`', defaults],
  ['cli/a.ts', 'const a = 1\nexport { a as default }', '`export { a as default`', defaults],
])('%s may not have %j', (name, source, found, says) => {
  const breaches = breachesOf({ [`src/${name}`]: source })
  expect(breaches.filter(breach => breach.includes(' has '))).toEqual([`src/${name} has ${found}: ${says}.`])
})

test.each([
  ['metadata/sqlite/a.ts', "import { Database } from 'bun:sqlite'"],
  ['blobstore/a.ts', "import { open } from 'node:fs/promises'"],
  ['cli/a.ts', "import { open } from 'node:fs/promises'\nprocess.env.HOME"],
  ['config/a.ts', 'const { HOME } = process.env'],
  ['core/tags/a.ts', "import { randomUUID } from 'node:crypto'\nimport type { Kysely } from 'kysely'"],
  ['core/tags/queries.ts', "tx.selectFrom('tags')"],
  ['core/tags/a.ts', "// tx.selectFrom('tags')\nconst text = 'tx.selectFrom()'"],
  ['core/totals.ts', "tx.insertInto('total_deltas')"],
  ['core/events.ts', "tx.insertInto('events')"],
  ['client/guarded-fetch.ts', 'await fetch(url)'],
  ['surfaces/manage/a.ts', 'return app.fetch(request)'],
  ['http/a.ts', 'Bun.serve({ fetch(request) { return answer(request) } })'],
  ['http/a.ts', 'Bun.serve({ async fetch(request: Request): Promise<Response> { return answer(request) } })'],
  ['surfaces/oci/a.ts', 'const prefetch = (x: string) => x\nprefetch(name)'],
  ['surfaces/oci/a.test.ts', "await fetch(url)\nimport { open } from 'node:fs'\ntx.selectFrom('tags')"],
])('%s may have %j', (name, source) => {
  expect(breachesOf({ [`src/${name}`]: source })).toEqual([])
})

test.each([
  ['core/tags/utils.ts', 'utils'],
  ['protocol/types.ts', 'types'],
  ['surfaces/oci/helpers.test.ts', 'helpers'],
  ['core/tags/common/names.ts', 'common'],
])('src/%s says nothing by its name', (name, part) => {
  expect(breachesOf({ [`src/${name}`]: '' })).toContain(
    `src/${name} is called ${part}, which says nothing: name it for the one thing inside.`,
  )
})

test.each([
  ['core/tags/moveTag.ts', 'moveTag'],
  ['core/tags/move_tag.test.ts', 'move_tag'],
  ['console/TagList.tsx', 'TagList'],
  ['core/tags/Old/a.ts', 'Old'],
])('src/%s is not kebab-case', (name, part) => {
  expect(breachesOf({ [`src/${name}`]: '' })).toContain(
    `src/${name} is not kebab-case: write ${part} in small letters with hyphens between.`,
  )
})

test('names in kebab-case are fine, also of migrations, tests and declarations', () => {
  const names = ['metadata/migrations/001-foundations.ts', 'core/tags/move-tag.test.ts', 'console/globals.d.ts']
  expect(breachesOf(Object.fromEntries(names.map(name => [`src/${name}`, ''])))).toEqual([])
})

test('a barrel is named', () => {
  expect(breachesOf({ 'src/core/tags/tags.ts': "export { moveTag } from './move-tag.ts'" })).toEqual([
    'src/core/tags/tags.ts only hands on exports of others: import them from where they are declared.',
  ])
})

test('a computed path is named', () => {
  expect(breachesOf({ 'src/cli/run.ts': 'await import(name)' })).toEqual([
    'src/cli/run.ts computes the path of an import: write the path as a string, so that it can be checked.',
  ])
})

test('a path without an extension is named', () => {
  expect(breachesOf({ 'src/cli/run.ts': "import { help } from './help'" })).toEqual([
    'src/cli/run.ts imports src/cli/help: name the file with its extension.',
  ])
})

test.each(["import { x } from './b.ts'", "import type { X } from './b.ts'", "new URL('./b.ts', import.meta.url)"])(
  'a circle closed by %j is named once',
  closing => {
    const tree = {
      'src/cli/a.ts': closing,
      'src/cli/b.ts': "import { x } from './c.ts'",
      'src/cli/c.ts': "import { x } from './a.ts'\nimport { y } from './d.ts'",
      'src/cli/d.ts': "export { e } from './e.ts'\nexport const d = 1",
      'src/cli/e.ts': 'export const e = 1',
    }
    expect(breachesOf(tree)).toEqual([
      'src/cli/a.ts, src/cli/b.ts, src/cli/c.ts import each other in a circle: move what they share into a file that imports none of them.',
    ])
  },
)

test('two circles that share no file are two breaches, and a file that imports itself is one', () => {
  const tree = {
    'src/cli/a.ts': "import './b.ts'",
    'src/cli/b.ts': "import './a.ts'\nimport './c.ts'",
    'src/cli/c.ts': "import './d.ts'",
    'src/cli/d.ts': "import './c.ts'",
    'src/cli/e.ts': "import './e.ts'",
  }
  expect(breachesOf(tree).map(breach => breach.split(' import')[0])).toEqual([
    'src/cli/c.ts, src/cli/d.ts',
    'src/cli/a.ts, src/cli/b.ts',
    'src/cli/e.ts',
  ])
})

test('paths that meet again without a circle are no breach', () => {
  const tree = {
    'src/cli/a.ts': "import './b.ts'\nimport './c.ts'",
    'src/cli/b.ts': "import './d.ts'",
    'src/cli/c.ts': "import './d.ts'",
    'src/cli/d.ts': '',
  }
  expect(breachesOf(tree)).toEqual([])
})
