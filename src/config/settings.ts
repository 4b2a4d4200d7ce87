import { initial, initialSecret, optional, type Setting, secret, withDefault } from './setting.ts'
import {
  count,
  duration,
  listenAddress,
  networks,
  oneOf,
  originUrls,
  path,
  size,
  textLike,
  trueOrFalse,
  type ValueKind,
  wholeNumber,
} from './value-kinds.ts'

/**
 * Every setting of Stower, once. Reading, checking, `stower config`, the flags of the command line, the errors and
 * `docs/configuration.md` all come from this table.
 *
 * A dotted key is nested in the YAML file (`tls.cert_file`), and gives the environment variable
 * (`STOWER_TLS_CERT_FILE`) and the flag (`--tls-cert-file`) their names.
 */
const userName = textLike(
  /^(?!\s)[^/:@\p{Cc}]{1,64}(?<!\s)$/u,
  'a user name: 1 to 64 characters without slashes, colons, @ and surrounding spaces',
)

/** Up to what a wire's 32-bit integer holds. */
const quota = count({ from: 0, to: 2_147_483_647 })

export const settings = {
  listen: withDefault(
    listenAddress,
    '127.0.0.1:8080',
    'Where Stower listens. An address that other machines can reach needs `external_url`.',
  ),
  data_dir: withDefault(path, './data', 'The folder of the database, the blobs and the keys. Made when missing.'),
  external_url: optional(
    originUrls,
    'https://registry.example.com',
    'The URLs under which clients reach Stower. Answers and login commands are built from them: from the one that equals the request’s Host, else from the first. Not set: `http://` (with TLS `https://`) and the listen address.',
  ),
  trusted_proxies: optional(
    networks,
    '10.0.0.7,192.168.0.0/16',
    'Reverse proxies whose `X-Forwarded-For` tells the client’s address. From anyone else it is ignored.',
  ),
  'tls.cert_file': optional(path, '/etc/stower/tls.crt', 'The certificate chain (PEM). With it Stower speaks HTTPS.'),
  'tls.key_file': optional(path, '/etc/stower/tls.key', 'The private key (PEM) of the certificate.'),
  region: withDefault(
    textLike(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'up to 64 letters, digits, hyphens and underscores'),
    'local',
    'The name of this installation’s region, which clients of the SWR API ask for. The first project gets it as its name.',
  ),
  'database.url': secret(
    textLike(/^postgres(?:ql)?:\/\/\S+$/, 'a URL such as postgres://user:password@host:5432/database'),
    'postgres://stower:password@db.example.com/stower',
    'PostgreSQL (15 or newer) for the metadata. Not set: the embedded SQLite in the data folder.',
  ),
  encryption_key: secret(
    textLike(/^[^\p{Cc}]{16,1024}$/u, 'at least 16 characters in one line; `openssl rand -base64 32` makes a good one'),
    '(44 random characters)',
    'Encrypts the secrets that must stay readable (secret keys, signing keys). Not set: a key is made in the data folder, in a file that only its owner can read. Losing the key loses those secrets.',
  ),
  shutdown_timeout: withDefault(
    duration({ from: '0s', to: '1h' }),
    '25s',
    'How long running requests may take to end after SIGTERM. Keep it below what your service manager grants.',
  ),
  'log.level': withDefault(
    oneOf('error', 'warn', 'info', 'debug', 'trace'),
    'info',
    'The least important events that are logged.',
  ),
  'log.format': withDefault(
    oneOf('auto', 'pretty', 'json'),
    'auto',
    '`auto` is `pretty` on a terminal and `json` otherwise.',
  ),
  'uploads.expiry': withDefault(
    duration({ from: '1m', to: '30d' }),
    '24h',
    'How long an unfinished upload is kept after its last byte.',
  ),
  'uploads.idle_timeout': withDefault(
    duration({ from: '1s', to: '255s' }),
    '60s',
    'How long the body of a request may stand still before its connection is closed.',
  ),
  'connections.idle_timeout': withDefault(
    duration({ from: '1s', to: '255s' }),
    '120s',
    'How long a connection may stand still, between two requests or while its client takes nothing of an answer, before it is closed. Shorter than 120 seconds also ends clients that read slowly.',
  ),
  'gc.grace': withDefault(
    duration({ from: '0s', to: '90d' }),
    '24h',
    'How long a blob that no manifest names is kept after a push last relied on it. It is the time that a client may let pass between a layer and its manifest; `0s` is for tests.',
  ),
  'gc.interval': withDefault(
    duration({ from: '1s', to: '30d' }),
    '1h',
    'The pause between two sweeps for what nobody needs any more.',
  ),
  'tokens.keystone_life': withDefault(
    duration({ from: '1m', to: '30d' }),
    '24h',
    'Life of a token from `POST /v3/auth/tokens`.',
  ),
  'tokens.docker_life': withDefault(
    duration({ from: '60s', to: '24h' }),
    '900s',
    'Life of an access token of docker and other registry clients. They take less than 60 seconds for 60.',
  ),
  'tokens.login_life': withDefault(
    duration({ from: '15m', to: '365d' }),
    '24h',
    'How long a docker login lasts that `POST /v2/manage/utils/secret` or `…/authorizationtoken` hands out. With `duration_seconds` less may be asked for.',
  ),
  'logins.most_failures': withDefault(
    wholeNumber({ from: 3, to: 1_000_000 }),
    '10',
    'After so many failed logins of one name from one address, one after another, all its logins from there are refused for `logins.refused_for`. Each server counts for itself.',
  ),
  'logins.refused_for': withDefault(
    duration({ from: '1s', to: '24h' }),
    '30m',
    'How long logins are refused after too many failures, and within which time those count.',
  ),
  refuse_replays: withDefault(
    trueOrFalse,
    'false',
    'Take each signature of a request once, and for 5 seconds more, as some clients repeat themselves. Costs a small write with every signed request.',
  ),
  'limits.manifest_size': withDefault(
    size({ from: '64KiB', to: '64MiB' }),
    '4MiB',
    'The largest manifest that is accepted.',
  ),
  'limits.management_body_size': withDefault(
    size({ from: '256KiB', to: '64MiB' }),
    '1MiB',
    'The largest request body of the management API. That of a login, whose sender is not known yet, has 64 KiB at most.',
  ),
  'quotas.organizations': optional(
    quota,
    '5',
    'How many organizations an account may have. Not set: any number. What is there already stays, whatever the number.',
  ),
  'quotas.repositories': optional(quota, '500', 'How many repositories an account may have. Not set: any number.'),
  'quotas.tags': optional(quota, '1000', 'How many tags a repository may have. Not set: any number.'),
  error_form: withDefault(
    oneOf('object', 'array'),
    'object',
    'What an error of the management API is: `object` has every form that some client reads; `array` is the bare array that Open Telekom Cloud’s pages print, of which Huawei’s SDKs read the status alone.',
  ),
  read_only: withDefault(
    trueOrFalse,
    'false',
    'Refuse every change of content, organizations, repositories and permissions; pulls and logins go on. `stower maintenance on` does the same without a restart.',
  ),
  read_only_reason: optional(
    textLike(/^[^\p{Cc}]{1,500}$/u, '1 to 500 characters in one line'),
    'moving to new disks until 14:00',
    'What clients are told while `read_only` is true.',
  ),
  delete_enabled: withDefault(
    trueOrFalse,
    'true',
    'Whether tags, manifests, blobs and repositories can be deleted. Tags can be moved all the same.',
  ),
  delete_blobs_in_use: withDefault(
    trueOrFalse,
    'false',
    'Whether a blob can be deleted from a repository in which a manifest names it. Pulls of that manifest then fail until the blob is pushed again.',
  ),
  sparse_manifests: withDefault(
    trueOrFalse,
    'false',
    'Accept manifests that name blobs or manifests the repository does not hold. An organization may have it otherwise: `stower organization set`.',
  ),
  'init.account': initial(plainName('an account'), 'acme', 'The name of the first account. Not set: `stower`.'),
  'init.project': initial(
    plainName('a project'),
    'local',
    'The name of the first project. Not set: the region’s name.',
  ),
  'init.user': initial(userName, 'admin', 'The name of the first administrator. Not set: `admin`.'),
  'init.password': initialSecret(
    textLike(/^[^\p{Cc}]{1,1024}$/u, '1 to 1024 characters in one line'),
    'The first administrator’s password. Not set: a random one.',
  ),
  'init.access_key': initial(
    textLike(/^[A-Za-z0-9._-]{1,128}$/, '1 to 128 letters, digits, dots, hyphens and underscores'),
    'ABCDEFGHIJKLMNOPQRST',
    'The first administrator’s access key (AK). Not set: a random one.',
  ),
  'init.secret_key': initialSecret(
    textLike(/^[\x21-\x7e]{1,128}$/, '1 to 128 ASCII characters without spaces'),
    'The first administrator’s secret key (SK). Not set: a random one.',
  ),
} as const

export type SettingKey = keyof typeof settings

/** The value of every setting by its key. */
export type Values = { readonly [K in SettingKey]: (typeof settings)[K] extends Setting<infer T> ? T : never }

export const settingKeys: readonly SettingKey[] = Object.keys(settings) as SettingKey[]

/** The setting of a key with its value's type forgotten, for code that treats all settings alike. */
export function settingOf(key: SettingKey): Setting<unknown> {
  return settings[key] as Setting<unknown>
}

export function environmentName(key: string): string {
  return `STOWER_${key.replaceAll('.', '_').toUpperCase()}`
}

/** Without the two hyphens. */
export function flagName(key: string): string {
  return key.replaceAll(/[._]/g, '-')
}

/** What is accepted here is what `core/accounts/names.ts` accepts; it checks again and knows why. */
function plainName(of: string): ValueKind<string> {
  return textLike(/^[A-Za-z0-9_-]{1,64}$/, `${of} name: 1 to 64 letters, digits, hyphens and underscores`)
}
