import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { formatOrigin, type Origin, type Origins } from './config/origin.ts'
import { findBrokenRules } from './config/rules.ts'
import { settingKeys, settingOf, type Values } from './config/settings.ts'
import { type ConfigFlag, type Environment, type Given, readEnvironment, readFlags } from './config/sources.ts'
import type { ListenAddress } from './config/value-kinds.ts'
import { readYamlFile } from './config/yaml-file.ts'

/** The effective configuration: complete, checked and deeply frozen. */
export type Config = {
  readonly listen: ListenAddress
  /** Absolute. */
  readonly dataDir: string
  /** Origins (`https://registry.example.com`), the preferred one first. Empty: none was set. */
  readonly externalUrls: readonly string[]
  /** Addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[]
  /** Absolute paths of PEM files. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  readonly region: string
  readonly metadata: { readonly kind: 'sqlite' } | { readonly kind: 'postgres'; readonly url: string }
  readonly blobs: { readonly kind: 'filesystem' }
  readonly encryptionKey?: string
  readonly shutdownTimeoutMs: number
  readonly log: { readonly level: Values['log.level']; readonly format: Values['log.format'] }
  readonly uploads: { readonly expiryMs: number; readonly idleTimeoutMs: number }
  readonly connections: { readonly idleTimeoutMs: number }
  readonly gc: { readonly graceMs: number; readonly intervalMs: number }
  readonly tokens: { readonly keystoneLifeMs: number; readonly dockerLifeMs: number; readonly loginLifeMs: number }
  readonly logins: { readonly mostFailures: number; readonly refusedForMs: number }
  /** Each signature counts once. */
  readonly refusesReplays: boolean
  readonly limits: { readonly manifestBytes: number; readonly managementBodyBytes: number }
  /** What an error of the management API looks like. */
  readonly errorForm: Values['error_form']
  /** What is taken from nobody. */
  readonly switches: {
    readonly readOnlyReason: string | undefined
    readonly deletesContent: boolean
    readonly quotas: { readonly organizations?: number; readonly repositories?: number; readonly tags?: number }
  }
  /** A blob may be deleted although a manifest of the repository names it. */
  readonly deletesBlobsInUse: boolean
  /** Manifests may name what their repository lacks, unless their organization has it otherwise. */
  readonly sparseManifests: boolean
  /** What the first start takes instead of inventing it. */
  readonly init: {
    readonly account?: string
    readonly project?: string
    readonly user?: string
    readonly password?: string
    readonly accessKey?: string
    readonly secretKey?: string
  }
}

export type ConfigSources = {
  /** Flags that are settings, or `config`; the command line has split them already. */
  readonly flags: readonly ConfigFlag[]
  readonly env: Environment
  /** Absolute. */
  readonly cwd: string
  /** No file is read, whatever names it. */
  readonly withoutFile?: true
}

export type LoadedConfig =
  | { readonly kind: 'ok'; readonly config: Config; readonly values: Values; readonly origins: Origins }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/**
 * Merges defaults < YAML file < environment < flags. The file is the one that `--config` or STOWER_CONFIG names, else
 * `stower.yaml` in `cwd` when it exists. Answers with every problem of every source at once; a wrong value is a problem
 * also where a stronger source overrides it.
 */
export function loadConfig({ flags, env, cwd, withoutFile }: ConfigSources): LoadedConfig {
  const file = withoutFile ? undefined : chooseFile({ flags, env, cwd })
  const fromFile = file === undefined ? undefined : readYamlFile({ ...file, path: resolve(cwd, file.shownAs) })
  const fromEnvironment = readEnvironment(env, cwd)
  const fromFlags = readFlags(
    flags.filter(flag => flag.name !== 'config'),
    cwd,
  )
  const reports = [...(fromFile === undefined ? [] : [fromFile]), fromEnvironment, fromFlags]
  const problems = reports.flatMap(report => report.problems)
  const { values, origins } = merge([...defaults(cwd), ...reports.flatMap(report => report.givens)], problems)
  problems.push(...findBrokenRules(values, origins, hostname()))
  if (problems.length > 0) return { kind: 'problems', problems }
  return { kind: 'ok', config: deepFreeze(assemble(values)), values, origins }
}

function chooseFile({ flags, env, cwd }: ConfigSources): { shownAs: string; namedBy?: string } | undefined {
  const byFlag = flags.findLast(flag => flag.name === 'config')?.value
  if (byFlag) return { shownAs: byFlag, namedBy: '--config' }
  if (env.STOWER_CONFIG) return { shownAs: env.STOWER_CONFIG, namedBy: 'STOWER_CONFIG' }
  return existsSync(resolve(cwd, 'stower.yaml')) ? { shownAs: 'stower.yaml' } : undefined
}

function defaults(cwd: string): Given[] {
  return settingKeys.flatMap(key => {
    const text = settingOf(key).default
    return text === undefined ? [] : [{ key, text, origin: { kind: 'default' } as const, baseFolder: cwd }]
  })
}

/** The last valid value of each setting wins. A default always is one, so every setting that has one gets a value. */
function merge(givens: readonly Given[], problems: string[]): { values: Values; origins: Origins } {
  const values: Record<string, unknown> = {}
  const origins: Record<string, Origin> = Object.fromEntries(settingKeys.map(key => [key, { kind: 'default' }]))
  for (const { key, text, origin, baseFolder } of givens) {
    const { kind, isSecret } = settingOf(key)
    const value = kind.parse(text, baseFolder)
    if (value === undefined) {
      const subject = origin.kind === 'file' ? `${formatOrigin(origin)}: ${key}` : formatOrigin(origin)
      const wrong = isSecret ? `a value of ${text.length} characters` : `"${text}"`
      problems.push(`${subject}: expected ${kind.expected}, got ${wrong}`)
    } else {
      values[key] = value
      origins[key] = origin
    }
  }
  return { values: values as Values, origins: origins as Origins }
}

function assemble(values: Values): Config {
  const certFile = values['tls.cert_file']
  const keyFile = values['tls.key_file']
  const databaseUrl = values['database.url']
  return {
    listen: values.listen,
    dataDir: values.data_dir,
    externalUrls: values.external_url ?? [],
    trustedProxies: values.trusted_proxies ?? [],
    ...(certFile !== undefined && keyFile !== undefined ? { tls: { certFile, keyFile } } : {}),
    region: values.region,
    metadata: databaseUrl === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: databaseUrl },
    blobs: { kind: 'filesystem' },
    ...(values.encryption_key === undefined ? {} : { encryptionKey: values.encryption_key }),
    shutdownTimeoutMs: values.shutdown_timeout,
    log: { level: values['log.level'], format: values['log.format'] },
    uploads: { expiryMs: values['uploads.expiry'], idleTimeoutMs: values['uploads.idle_timeout'] },
    connections: { idleTimeoutMs: values['connections.idle_timeout'] },
    gc: { graceMs: values['gc.grace'], intervalMs: values['gc.interval'] },
    tokens: {
      keystoneLifeMs: values['tokens.keystone_life'],
      dockerLifeMs: values['tokens.docker_life'],
      loginLifeMs: values['tokens.login_life'],
    },
    logins: { mostFailures: values['logins.most_failures'], refusedForMs: values['logins.refused_for'] },
    refusesReplays: values.refuse_replays,
    limits: {
      manifestBytes: values['limits.manifest_size'],
      managementBodyBytes: values['limits.management_body_size'],
    },
    errorForm: values.error_form,
    switches: {
      readOnlyReason: values.read_only ? (values.read_only_reason ?? 'its settings say so') : undefined,
      deletesContent: values.delete_enabled,
      quotas: assembleQuotas(values),
    },
    deletesBlobsInUse: values.delete_blobs_in_use,
    sparseManifests: values.sparse_manifests,
    init: assembleInit(values),
  }
}

function assembleQuotas(values: Values): Config['switches']['quotas'] {
  const given = {
    organizations: values['quotas.organizations'],
    repositories: values['quotas.repositories'],
    tags: values['quotas.tags'],
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function assembleInit(values: Values): Config['init'] {
  const given = {
    account: values['init.account'],
    project: values['init.project'],
    user: values['init.user'],
    password: values['init.password'],
    accessKey: values['init.access_key'],
    secretKey: values['init.secret_key'],
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
