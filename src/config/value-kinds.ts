import { isIP } from 'node:net'
import { resolve } from 'node:path'

/**
 * One kind of value a setting can have. Every source hands over text; `parse` answers undefined for text that is no
 * value of this kind, and `parse(format(value))` is `value` again.
 */
export type ValueKind<T> = {
  /** Completes the sentence "expected …". */
  readonly expected: string
  /** Lists are written with commas, or as a YAML sequence. */
  readonly isList: boolean
  /** `baseFolder` (absolute) is what a relative path starts from. */
  parse(text: string, baseFolder: string): T | undefined
  format(value: T): string
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** `host:port`, `[IPv6]:port` or `unix:PATH`. Port 0 lets the system choose one. */
export const listenAddress: ValueKind<ListenAddress> = {
  expected: 'host:port (127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080 for every address) or unix:/path/of/socket',
  isList: false,
  parse(text, baseFolder) {
    if (text.startsWith('unix:')) {
      const path = text.slice('unix:'.length)
      return path === '' ? undefined : { kind: 'unix', path: resolve(baseFolder, path) }
    }
    const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? []
    const port = Number(digits)
    const host = bracketed ?? plain
    if (host === undefined || port > 65535) return undefined
    if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined
    return { kind: 'tcp', host: host.toLowerCase(), port }
  },
  format: formatListenAddress,
}

export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Becomes an absolute path. */
export const path: ValueKind<string> = {
  expected: 'a path',
  isList: false,
  parse: (text, baseFolder) => (text.includes('\0') ? undefined : resolve(baseFolder, text)),
  format: value => value,
}

/** Origins as the URL standard writes them: lower case, no default port, nothing behind the port. */
export const originUrls: ValueKind<readonly string[]> = {
  expected: 'URLs without a path, with commas between them (https://registry.example.com)',
  isList: true,
  parse: text => parseList(text, parseOrigin),
  format: value => value.join(','),
}

/** Addresses and CIDR blocks, IPv4 and IPv6. */
export const networks: ValueKind<readonly string[]> = {
  expected: 'addresses or CIDR blocks, with commas between them (10.0.0.7, 192.168.0.0/16, fd00::/8)',
  isList: true,
  parse: text => parseList(text, parseNetwork),
  format: value => value.join(','),
}

/** Text of a fixed shape; `meaning` completes "expected …". */
export function textLike(pattern: RegExp, meaning: string): ValueKind<string> {
  return {
    expected: meaning,
    isList: false,
    parse: text => (pattern.test(text) ? text : undefined),
    format: value => value,
  }
}

export function oneOf<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  return {
    expected: `one of ${choices.join(', ')}`,
    isList: false,
    parse: text => choices.find(choice => choice === text),
    format: value => value,
  }
}

export const trueOrFalse: ValueKind<boolean> = {
  expected: 'true or false',
  isList: false,
  parse: text => (text === 'true' ? true : text === 'false' ? false : undefined),
  format: String,
}

/** A whole number; both limits belong to the range. */
export function wholeNumber(limits: { readonly from: number; readonly to: number }): ValueKind<number> {
  return {
    expected: `a whole number from ${limits.from} to ${limits.to}`,
    isList: false,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      return value >= limits.from && value <= limits.to ? value : undefined
    },
    format: String,
  }
}

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds, written with a unit; both limits belong to the range. */
export function duration(limits: { readonly from: string; readonly to: string }): ValueKind<number> {
  const fromMs = parseAmount(limits.from, durationUnits) ?? 0
  const toMs = parseAmount(limits.to, durationUnits) ?? Number.MAX_SAFE_INTEGER
  return {
    expected: `a duration with its unit (ms, s, m, h or d) from ${limits.from} to ${limits.to}`,
    isList: false,
    parse(text) {
      const ms = parseAmount(text, durationUnits)
      return ms === undefined || ms < fromMs || ms > toMs ? undefined : ms
    },
    format: value => formatAmount(value, durationUnits),
  }
}

const sizeUnits = { B: 1, KB: 1000, KiB: 1024, MB: 1000 ** 2, MiB: 1024 ** 2, GB: 1000 ** 3, GiB: 1024 ** 3 } as const

/** Bytes, written with a unit; both limits belong to the range. */
export function size(limits: { readonly from: string; readonly to: string }): ValueKind<number> {
  const fromBytes = parseAmount(limits.from, sizeUnits) ?? 0
  const toBytes = parseAmount(limits.to, sizeUnits) ?? Number.MAX_SAFE_INTEGER
  return {
    expected: `a size with its unit (B, KiB, MiB, GiB; KB, MB, GB for powers of ten) from ${limits.from} to ${limits.to}`,
    isList: false,
    parse(text) {
      const bytes = parseAmount(text, sizeUnits)
      return bytes === undefined || bytes < fromBytes || bytes > toBytes ? undefined : bytes
    },
    format: value => formatAmount(value, sizeUnits),
  }
}

/** A whole number; both limits belong to the range. */
export function count(limits: { readonly from: number; readonly to: number }): ValueKind<number> {
  return {
    expected: `a whole number from ${limits.from} to ${limits.to}`,
    isList: false,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) return undefined
      const number = Number(text)
      return number < limits.from || number > limits.to ? undefined : number
    },
    format: String,
  }
}

function parseList<T>(text: string, parseItem: (item: string) => T | undefined): readonly T[] | undefined {
  const items = new Set<T>()
  for (const part of text.split(',')) {
    const item = parseItem(part.trim())
    if (item === undefined) return undefined
    items.add(item)
  }
  return [...items]
}

function parseOrigin(text: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined
  return new URL(text).origin
}

function parseNetwork(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined
  if (prefix === undefined) return address.toLowerCase()
  const isPrefix = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
  return isPrefix ? `${address.toLowerCase()}/${Number(prefix)}` : undefined
}

/** `1.5h`, `4 MiB`; undefined without a known unit or when it makes no whole number of the smallest one. */
function parseAmount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)$/.exec(text) ?? []
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined
  const amount = Number(digits) * (units[unit] ?? Number.NaN)
  return Number.isSafeInteger(amount) ? amount : undefined
}

/** With the largest unit that leaves a whole number. */
function formatAmount(amount: number, units: Readonly<Record<string, number>>): string {
  const whole = Object.entries(units).filter(([, factor]) => amount % factor === 0 && amount >= factor)
  const [unit, factor] = whole.reduce((a, b) => (b[1] > a[1] ? b : a), Object.entries(units)[0] ?? ['', 1])
  return `${amount / factor}${unit}`
}
