import type { SettingKey } from './settings.ts'

/** Where the value of a setting came from. `valueFile`: the source named this file, and the value stood in it. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly valueFile?: string }
  | { readonly kind: 'environment'; readonly name: string; readonly valueFile?: string }
  | { readonly kind: 'flag'; readonly name: string; readonly valueFile?: string }

/** Where each setting's value came from. */
export type Origins = Readonly<Record<SettingKey, Origin>>

/** `stower.yaml:3`, `STOWER_LISTEN`, `--listen`, `STOWER_ENCRYPTION_KEY_FILE (/run/secrets/key)`, `default`. */
export function formatOrigin(origin: Origin): string {
  if (origin.kind === 'default') return 'default'
  const source = formatSource(origin)
  return origin.valueFile === undefined ? source : `${source} (${origin.valueFile})`
}

function formatSource(origin: Exclude<Origin, { kind: 'default' }>): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'environment':
      return origin.name
    case 'flag':
      return `--${origin.name}`
  }
}
