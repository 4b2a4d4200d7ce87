/*
 * The architecture as tables, one row a rule. `ARCHITECTURE.md` says the same for people: change both in one commit.
 *
 * Paths are below `src/`. One that ends in a slash stands for everything below that folder. A star stands for any one
 * name: each folder that fits is then a room of its own.
 */

export type Room = {
  files: string
  /** Beside itself; nothing else of `src/`. */
  mayImport: readonly string[]
  /** Which rule, and what to do instead. */
  says: string
}

const configuration = ['config.ts', 'config/']

/** The composition root with its parts. */
const composition = ['app.ts', 'app/']

/** What every slice may use of core: files that belong to no capability. */
const coreRoot = ['errors', 'caller', 'events', 'clock', 'totals', 'answer-memory'].map(name => `core/${name}.ts`)

/** What core knows of the stores: shapes and spellings, no engine. */
const storeTypes = [
  ...['database', 'tables', 'dialects', 'statement'].map(name => `metadata/${name}.ts`),
  'blobstore/blobstore.ts',
]

/** Who may import whom. The first row that fits a file counts. */
export const rooms: readonly Room[] = [
  {
    files: 'main.ts',
    mayImport: ['cli/', ...composition, ...configuration],
    says: 'the entry only picks a command: put the work into a file of src/cli or into src/app.ts',
  },
  ...composition.map(files => ({
    files,
    mayImport: [
      ...composition,
      ...configuration,
      ...['http/', 'surfaces/', 'identity/', 'core/', 'metadata/', 'blobstore/', 'jobs/'],
      ...['telemetry/', 'client/', 'protocol/'],
    ],
    says: 'the composition root imports everything but main, cli and console: let cli call app, not the reverse',
  })),
  {
    files: 'cli/',
    mayImport: [...composition, ...configuration, 'core/errors.ts', 'protocol/', 'client/'],
    says: 'a command imports app, configuration, core/errors, protocol and client: reach a data folder through src/app',
  },
  {
    files: 'console/',
    mayImport: ['protocol/', 'client/'],
    says: 'the console imports protocol and client: ask the server over its API instead',
  },
  { files: 'config.ts', mayImport: ['config/'], says: 'configuration imports itself: hand values in from src/app.ts' },
  { files: 'config/', mayImport: [], says: 'configuration imports itself: hand values in from src/app.ts' },
  {
    files: 'surfaces/*/',
    mayImport: ['core/', 'identity/', 'protocol/', 'telemetry/', 'http/'],
    says: 'a surface imports core, identity, protocol, telemetry and http: call a command of core, and move what two surfaces share to src/http or src/protocol',
  },
  {
    files: 'http/',
    mayImport: ['core/errors.ts', 'core/caller.ts', 'protocol/'],
    says: 'http imports core/errors, core/caller and protocol: what knows more belongs to one surface',
  },
  {
    files: 'identity/',
    mayImport: ['core/caller.ts', 'core/errors.ts', 'core/clock.ts', 'core/accounts/', 'protocol/'],
    says: 'identity imports core/caller, core/errors, core/clock, core/accounts and protocol: prove who asks here, and leave what they may do to core/access',
  },
  {
    files: 'core/*/',
    mayImport: [...coreRoot, ...storeTypes, 'protocol/'],
    says: "a slice imports core's root, protocol and the stores' types: take what else it needs as a dependency that src/app.ts hands in",
  },
  {
    files: 'core/*',
    mayImport: [...coreRoot, ...storeTypes, 'protocol/'],
    says: "core's root belongs to no slice and imports none: move the file into the slice that it needs",
  },
  {
    files: 'jobs/',
    mayImport: ['metadata/', 'telemetry/'],
    says: 'jobs imports metadata and telemetry: register the handler in src/app.ts',
  },
  { files: 'client/', mayImport: ['protocol/'], says: 'client imports protocol: put what both ends share there' },
  { files: 'protocol/', mayImport: [], says: 'protocol imports itself: it is what both ends of a wire agree on' },
  {
    files: 'metadata/',
    mayImport: ['core/errors.ts'],
    says: 'metadata imports core/errors: write the query in the slice that owns the rows',
  },
  {
    files: 'blobstore/',
    mayImport: ['core/errors.ts', 'protocol/'],
    says: 'blobstore imports core/errors and protocol: the store knows bytes, and core knows what they mean',
  },
  { files: 'telemetry/', mayImport: [], says: 'telemetry imports itself: let src/app.ts hand in what is measured' },
]

/** Slices of core: each may import those before it. */
export const sliceOrder: readonly string[] = [
  ...['access', 'accounts', 'quotas', 'organizations', 'repositories', 'blobs', 'tags', 'manifests'],
  ...['retention', 'sharing', 'sync', 'triggers', 'gc', 'audit'],
]

export type ContentRule = {
  /** Held against the names of packages that are imported, or against code without comments and strings. */
  forbids: { imports: RegExp } | { code: RegExp }
  /** Where; everywhere when it is not given. */
  in?: readonly string[]
  /** Where not. */
  exceptIn?: readonly string[]
  /** Single files where not, each with the reason. */
  exceptFiles?: Readonly<Record<string, string>>
  /** Holds outside of `queries.ts` files, wherever they are. */
  isAboutSql?: true
  /** Tests may start servers, read files and ask the database; only what is about form holds for them, too. */
  holdsForTests?: true
  says: string
}

/** What stands where. */
export const contentRules: readonly ContentRule[] = [
  {
    forbids: { imports: /^(?:bun:sqlite|pg(?:[-/].*)?|better-sqlite3|postgres)$/ },
    exceptIn: ['metadata/'],
    says: 'only src/metadata knows the drivers: take a Database and write Kysely or a named function of metadata/dialects',
  },
  {
    forbids: { imports: /^(?:node:)?fs(?:\/.*)?$/ },
    exceptIn: ['blobstore/', 'metadata/', 'cli/', ...composition, ...configuration],
    exceptFiles: { 'telemetry/line-writer.ts': 'it writes the log to standard output, which has no other name' },
    says: 'only the stores, configuration, src/cli and src/app touch files: keep bytes in the blob store or hand in what was read',
  },
  {
    forbids: { imports: /^(?!node:crypto$|kysely$)/ },
    in: ['core/'],
    says: 'core uses node:crypto and kysely and knows no other package: take it as a dependency, or parse at the edge',
  },
  {
    forbids: { code: /\bBun\s*\.\s*(?:serve|file|write|listen|connect|spawn|spawnSync|sql|SQL|s3|redis|fetch)\b/ },
    in: ['core/', 'protocol/'],
    says: 'core and protocol do no I/O: core goes through its Database and BlobStore, protocol through its caller',
  },
  {
    forbids: { imports: /^(?:node:(?!crypto$)|bun)/ },
    in: ['protocol/'],
    says: 'protocol does no I/O: read and write where it is called, and hand in the values',
  },
  {
    forbids: { code: /\b(?:process|Bun|import\s*\.\s*meta)\s*\.\s*env\b/ },
    exceptIn: ['main.ts', 'cli/', ...configuration],
    says: 'only configuration, main and cli read the environment: declare a setting in src/config/settings.ts',
  },
  {
    // Not `x.fetch(`, a method of something that was handed in, and not the definition `fetch(request) {`.
    forbids: {
      code: /(?<![.\w$]|\basync\s+)(?:(?:globalThis|window|self|Bun)\s*\.\s*)?fetch\s*\((?![^()]*\)\s*(?::\s*\w[\w<>|,.\s]*)?\{)/,
    },
    exceptFiles: { 'client/guarded-fetch.ts': 'it is the one outgoing client (invariant 7)' },
    says: 'only src/client/guarded-fetch.ts calls fetch: every outgoing request goes through its guards',
  },
  {
    forbids: {
      code: /\.\s*(?:selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\s*(?:<[^>]*>)?\s*\(/,
    },
    exceptFiles: {
      'metadata/migrate.ts': 'which steps were applied is asked of a table that only migration knows',
      'metadata/statement.ts': 'adding rows of given columns is one shape for every table; which ones, queries.ts says',
      'core/totals.ts': 'adding to a total and reading it are its queries; every slice needs them and none owns them',
      'core/events.ts': 'recording an event is one insert; every slice needs it and none owns it',
    },
    isAboutSql: true,
    says: 'SQL stands in files named queries.ts only: move the query there as a function whose first parameter is the database',
  },
  {
    forbids: { code: /\bsql\s*(?:<[^>]*>)?\s*"/ },
    exceptIn: ['metadata/'],
    isAboutSql: true,
    says: 'SQL stands in files named queries.ts only: move the query there as a function whose first parameter is the database',
  },
  {
    forbids: { code: /(?<![.\w$])export\s+default\b|(?<![.\w$])export\s*\{[^}]*\bas\s+default\b/ },
    holdsForTests: true,
    says: 'there are no default exports: export it by the name that everyone shall call it',
  },
]

/** The only file in which SQL may be written, wherever in the tree. */
export const queriesFile = 'queries.ts'

/** Names that say nothing about what is inside. */
export const emptyNames: readonly string[] = ['util', 'utils', 'helper', 'helpers', 'common', 'type', 'types']

/** Files outside of `src/` that it may import. */
export const outsideImports: Readonly<Record<string, string>> = {
  'package.json': 'the version that the program tells is declared there',
}
