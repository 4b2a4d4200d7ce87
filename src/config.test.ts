import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeConfig } from './config/describe.ts'
import { listConfig, printConfig } from './config/print.ts'
import { type ConfigSources, loadConfig } from './config.ts'

const root = mkdtempSync(join(tmpdir(), 'stower-config-'))
afterAll(() => rmSync(root, { recursive: true }))

let folders = 0

/** A fresh working folder with these files in it. */
function folderWith(files: Record<string, string> = {}): string {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function load(sources: Partial<ConfigSources>) {
  const loaded = loadConfig({ flags: [], env: {}, cwd: sources.cwd ?? folderWith(), ...sources })
  if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
  return loaded
}

function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  const loaded = loadConfig({ flags: [], env: {}, cwd: sources.cwd ?? folderWith(), ...sources })
  return loaded.kind === 'problems' ? loaded.problems : []
}

test('nothing set at all gives the defaults', () => {
  const cwd = folderWith()
  const { config } = load({ cwd })
  expect(config).toEqual({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
    dataDir: join(cwd, 'data'),
    externalUrls: [],
    trustedProxies: [],
    region: 'local',
    metadata: { kind: 'sqlite' },
    blobs: { kind: 'filesystem' },
    shutdownTimeoutMs: 25_000,
    log: { level: 'info', format: 'auto' },
    gc: { graceMs: 86_400_000, intervalMs: 3_600_000 },
    uploads: { expiryMs: 86_400_000, idleTimeoutMs: 60_000 },
    connections: { idleTimeoutMs: 120_000 },
    tokens: { keystoneLifeMs: 86_400_000, dockerLifeMs: 900_000, loginLifeMs: 86_400_000 },
    logins: { mostFailures: 10, refusedForMs: 1_800_000 },
    refusesReplays: false,
    limits: { manifestBytes: 4_194_304, managementBodyBytes: 1_048_576 },
    errorForm: 'object',
    switches: { readOnlyReason: undefined, deletesContent: true, quotas: {} },
    deletesBlobsInUse: false,
    sparseManifests: false,
    init: {},
  })
})

test('a flag wins over the environment, the environment over stower.yaml, stower.yaml over the default', () => {
  const cwd = folderWith({ 'stower.yaml': 'region: yaml\nlog:\n  level: warn\nuploads: { expiry: 1h }\n' })
  const { config, values, origins } = load({
    cwd,
    env: { STOWER_REGION: 'environment', STOWER_LOG_LEVEL: 'debug' },
    flags: [{ name: 'region', value: 'flag' }],
  })
  expect([config.region, config.log.level, config.uploads.expiryMs]).toEqual(['flag', 'debug', 3_600_000])
  const origin = Object.fromEntries(listConfig(values, origins).map(row => [row.key, row.origin]))
  expect(origin.region).toBe('--region')
  expect(origin['log.level']).toBe('STOWER_LOG_LEVEL')
  expect(origin['uploads.expiry']).toBe('stower.yaml:4')
  expect(origin.listen).toBe('default')
})

test('the nine names that scripts of users depend on are read from the environment', () => {
  const { config } = load({
    env: {
      STOWER_LISTEN: '127.0.0.1:9000',
      STOWER_DATA_DIR: '/var/lib/stower',
      STOWER_EXTERNAL_URL: 'https://a.example,https://b.example',
      STOWER_INIT_ACCOUNT: 'acme',
      STOWER_INIT_PROJECT: 'eu-de',
      STOWER_INIT_USER: 'alice',
      STOWER_INIT_PASSWORD: 'pw1',
      STOWER_INIT_ACCESS_KEY: 'AKEXAMPLE',
      STOWER_INIT_SECRET_KEY: 'SKEXAMPLE',
    },
  })
  expect(config.listen).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 9000 })
  expect(config.dataDir).toBe('/var/lib/stower')
  expect(config.externalUrls).toEqual(['https://a.example', 'https://b.example'])
  expect(config.init).toEqual({
    account: 'acme',
    project: 'eu-de',
    user: 'alice',
    password: 'pw1',
    accessKey: 'AKEXAMPLE',
    secretKey: 'SKEXAMPLE',
  })
})

test('every initial value and every secret can stand in a file', () => {
  const forms = describeConfig().filter(setting => setting.hasFileForm)
  expect(forms.filter(setting => setting.isInitial)).toHaveLength(6)
  const cwd = folderWith({ name: 'from-a-file\n', key: 'a key of 24 characters!!\r\n' })
  const initial = forms.filter(setting => setting.isInitial).map(setting => [`${setting.environment}_FILE`, 'name'])
  const { config, values, origins } = load({
    cwd,
    env: Object.fromEntries(initial),
    flags: [{ name: 'encryption-key-file', value: 'key' }],
  })
  expect(new Set(Object.values(config.init))).toEqual(new Set(['from-a-file']))
  expect(Object.keys(config.init)).toHaveLength(6)
  expect(config.encryptionKey).toBe('a key of 24 characters!!')
  expect(listConfig(values, origins).find(row => row.key === 'encryption_key')).toEqual({
    key: 'encryption_key',
    value: '(hidden)',
    origin: `--encryption-key-file (${join(cwd, 'key')})`,
  })
})

test('a database URL chooses PostgreSQL, an empty one SQLite', () => {
  expect(load({ env: { STOWER_DATABASE_URL: 'postgres://u:p@db/stower' } }).config.metadata).toEqual({
    kind: 'postgres',
    url: 'postgres://u:p@db/stower',
  })
  expect(load({ env: { STOWER_DATABASE_URL: '' } }).config.metadata).toEqual({ kind: 'sqlite' })
})

test('paths in the file start from its folder, paths elsewhere from the working folder', () => {
  const elsewhere = folderWith({ 'my.yaml': 'data_dir: store\ntls:\n  cert_file: tls.crt\n' })
  const cwd = folderWith()
  const { config } = load({
    cwd,
    env: { STOWER_CONFIG: join(elsewhere, 'my.yaml'), STOWER_TLS_KEY_FILE: 'tls.key' },
  })
  expect(config.dataDir).toBe(join(elsewhere, 'store'))
  expect(config.tls).toEqual({ certFile: join(elsewhere, 'tls.crt'), keyFile: join(cwd, 'tls.key') })
})

test('--config wins over STOWER_CONFIG, and both over ./stower.yaml', () => {
  const cwd = folderWith({ 'stower.yaml': 'region: a', 'b.yaml': 'region: b', 'c.yaml': 'region: c' })
  expect(load({ cwd }).config.region).toBe('a')
  expect(load({ cwd, env: { STOWER_CONFIG: 'b.yaml' } }).config.region).toBe('b')
  const flags = [{ name: 'config', value: 'c.yaml' }]
  expect(load({ cwd, env: { STOWER_CONFIG: 'b.yaml' }, flags }).config.region).toBe('c')
})

test('lists are written as a YAML sequence, with commas, or as several flags', () => {
  const cwd = folderWith({ 'stower.yaml': 'trusted_proxies:\n  - 10.0.0.1\n  - 10.1.0.0/16\n' })
  expect(load({ cwd }).config.trustedProxies).toEqual(['10.0.0.1', '10.1.0.0/16'])
  const flags = ['10.0.0.2', '10.0.0.3,10.0.0.4'].map(value => ({ name: 'trusted-proxies', value }))
  expect(load({ cwd, flags }).config.trustedProxies).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4'])
})

test('a YAML value is taken as it was typed', () => {
  const cwd = folderWith({ 'stower.yaml': 'region: 0123\ninit: { user: yes, account: 1e3, project: null }\n' })
  const { config } = load({ cwd })
  expect(config.region).toBe('0123')
  expect(config.init).toEqual({ user: 'yes', account: '1e3' })
})

test('the configuration cannot be changed, however deep', () => {
  const { config } = load({ env: { STOWER_EXTERNAL_URL: 'https://a.example' } })
  expect(() => Object.assign(config.log, { level: 'trace' })).toThrow(TypeError)
  expect(() => Array.prototype.push.call(config.externalUrls, 'https://evil.example')).toThrow(TypeError)
})

describe('a wrong value says what is expected and where it came from', () => {
  test.each<[string, Partial<ConfigSources>, RegExp]>([
    ['in the environment', { env: { STOWER_LISTEN: '8080' } }, /^STOWER_LISTEN: expected host:port .*, got "8080"$/],
    [
      'in a flag',
      { flags: [{ name: 'uploads-expiry', value: '9' }] },
      /^--uploads-expiry: expected a duration .* got "9"$/,
    ],
    [
      'in the file',
      { cwd: folderWith({ 'stower.yaml': '# comment\n\nlog:\n  level: loud\n' }) },
      /^stower.yaml:4: log.level: expected one of error, warn, info, debug, trace, got "loud"$/,
    ],
    [
      'overridden by a stronger source',
      { cwd: folderWith({ 'stower.yaml': 'region: "a b"' }), env: { STOWER_REGION: 'ok' } },
      /^stower.yaml:1: region: expected up to 64 letters/,
    ],
    [
      'a list where one value belongs',
      { cwd: folderWith({ 'stower.yaml': 'region: [a, b]' }) },
      /^stower.yaml:1: region: expected .* got a list$/,
    ],
    [
      'settings below a setting',
      { cwd: folderWith({ 'stower.yaml': 'region:\n  a: b' }) },
      /^stower.yaml:1: region: .* got settings below it$/,
    ],
    [
      'a value where a group belongs',
      { cwd: folderWith({ 'stower.yaml': 'tls: yes' }) },
      /^stower.yaml:1: tls: expected settings below it \(tls.cert_file, tls.key_file\)$/,
    ],
    [
      'text where settings belong',
      { cwd: folderWith({ 'stower.yaml': 'hello' }) },
      /^stower.yaml:1: expected lines such as "key: value"$/,
    ],
    ['an empty flag', { flags: [{ name: 'data-dir', value: '' }] }, /^--data-dir is empty/],
    [
      'a flag given twice',
      { flags: ['a', 'b'].map(value => ({ name: 'region', value })) },
      /^--region is given 2 times/,
    ],
  ])('%s', (_title, sources, expected) => {
    const problems = problemsOf(sources)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(expected)
  })

  test('but never shows a secret', () => {
    expect(problemsOf({ env: { STOWER_ENCRYPTION_KEY: 'canary' } })[0]).toMatch(
      /^STOWER_ENCRYPTION_KEY: .* got a value of 6 characters$/,
    )
    expect(problemsOf({ env: { STOWER_DATABASE_URL: 'mysql://u:canary@db/x' } })[0]).not.toContain('canary')
  })
})

describe('an unknown name is refused with the nearest known one', () => {
  test.each<[string, Partial<ConfigSources>, string]>([
    [
      'a key',
      { cwd: folderWith({ 'stower.yaml': 'listn: x' }) },
      'stower.yaml:1: listn: no such setting (did you mean listen?)',
    ],
    [
      'a key in a group',
      { cwd: folderWith({ 'stower.yaml': 'tls:\n  certfile: x' }) },
      'stower.yaml:2: tls.certfile: no such setting (did you mean tls.cert_file?)',
    ],
    ['a group', { cwd: folderWith({ 'stower.yaml': 'frobs:\n  x: y' }) }, 'stower.yaml:1: frobs: no such setting'],
    [
      'a variable',
      { env: { STOWER_EXTERNAL_URLS: 'x' } },
      'STOWER_EXTERNAL_URLS: no such setting (did you mean STOWER_EXTERNAL_URL?)',
    ],
    ['a flag', { flags: [{ name: 'datadir', value: 'x' }] }, '--datadir: no such flag (did you mean data-dir?)'],
  ])('%s', (_title, sources, expected) => {
    expect(problemsOf(sources)).toEqual([expected])
  })

  test('but variables that Kubernetes, the launcher and the tests set are no settings', () => {
    const env = {
      STOWER_SERVICE_HOST: '10.0.0.1',
      STOWER_SERVICE_PORT_HTTP: '8080',
      STOWER_PORT: 'tcp://10.0.0.1:8080',
      STOWER_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      STOWER_PORT_8080_TCP_ADDR: '10.0.0.1',
      STOWER_LAUNCHER_PIPE: '3',
      STOWER_TEST_INSTALL: '1',
    }
    expect(problemsOf({ env })).toEqual([])
    expect(problemsOf({ env: { STOWER_PORT: '8080' } })).toHaveLength(1)
  })
})

describe('listening beyond this machine', () => {
  test.each(['0.0.0.0:8080', '[::]:8080', '192.168.1.5:80', 'registry.example.com:80', '[::ffff:10.0.0.1]:80'])(
    'on %s without an external URL is refused with the line to paste',
    listen => {
      const problems = problemsOf({ env: { STOWER_LISTEN: listen } })
      expect(problems).toHaveLength(1)
      const line = /STOWER_EXTERNAL_URL=(\S+)$/.exec(problems[0] ?? '')?.[1] ?? ''
      expect(problems[0]).toContain(`external_url: ${line}`)
      expect(problemsOf({ env: { STOWER_LISTEN: listen, STOWER_EXTERNAL_URL: line } })).toEqual([])
    },
  )

  test.each(['127.0.0.1:0', '127.8.9.1:80', 'localhost:80', '[::1]:80', '[0:0::1]:80', 'unix:/run/stower.sock'])(
    'is not what %s does',
    listen => {
      expect(problemsOf({ env: { STOWER_LISTEN: listen } })).toEqual([])
    },
  )
})

test('TLS needs the certificate and the key', () => {
  expect(problemsOf({ env: { STOWER_TLS_CERT_FILE: '/a' } })).toEqual([
    'tls.cert_file is set (STOWER_TLS_CERT_FILE) without tls.key_file: TLS needs both',
  ])
})

test('all problems are reported at once', () => {
  const problems = problemsOf({
    cwd: folderWith({ 'stower.yaml': 'nope_at_all: 1\nlog: { format: xml }\n' }),
    env: { STOWER_LISTEN: '0.0.0.0:80', STOWER_TLS_KEY_FILE: '/k', STOWER_INIT_PASSWORD_FILE: '/does/not/exist' },
    flags: [{ name: 'shutdown-timeout', value: 'soon' }],
  })
  expect(problems).toHaveLength(6)
})

test.each<[string, Partial<ConfigSources>, RegExp]>([
  [
    'a named file that is missing',
    { flags: [{ name: 'config', value: 'no.yaml' }] },
    /^no.yaml \(named by --config\) cannot be read: there is no such file$/,
  ],
  ['broken YAML', { cwd: folderWith({ 'stower.yaml': 'a: 1\nb: [\n' }) }, /^stower.yaml:\d: /],
  ['a key written twice', { cwd: folderWith({ 'stower.yaml': 'region: a\nregion: b\n' }) }, /^stower.yaml:2: .*unique/],
  [
    'a value and a file for it',
    { env: { STOWER_INIT_USER: 'a', STOWER_INIT_USER_FILE: '/etc/hostname' } },
    /^init.user is set by STOWER_INIT_USER and by STOWER_INIT_USER_FILE/,
  ],
  [
    'a secret file that is empty',
    { cwd: folderWith({ empty: '\n' }), env: { STOWER_INIT_USER_FILE: 'empty' } },
    /is empty$/,
  ],
])('%s is one problem', (_title, sources, expected) => {
  const problems = problemsOf(sources)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(expected)
})

test('the names of all settings differ in every source', () => {
  const described = describeConfig()
  expect(new Set(described.map(setting => setting.environment)).size).toBe(described.length)
  expect(new Set(described.map(setting => setting.flag)).size).toBe(described.length)
  const fileForms = described.filter(setting => setting.hasFileForm).map(setting => `${setting.environment}_FILE`)
  expect(described.filter(setting => fileForms.includes(setting.environment))).toEqual([])
})

test('config print shows every setting and hides secrets', () => {
  const { values, origins } = load({
    env: { STOWER_DATABASE_URL: 'postgres://u:canary@db/x', STOWER_INIT_PASSWORD: 'canary' },
  })
  const printed = printConfig(listConfig(values, origins))
  expect(printed).not.toContain('canary')
  expect(printed).toMatch(/^database.url +\(hidden\) +STOWER_DATABASE_URL$/m)
  expect(printed).toMatch(/^listen +127.0.0.1:8080 +default$/m)
  expect(printed.trimEnd().split('\n')).toHaveLength(describeConfig().length + 1)
})
