import { formatOrigin, type Origins } from './origin.ts'
import { settingKeys, settingOf, type Values } from './settings.ts'

export type ConfigRow = { readonly key: string; readonly value: string; readonly origin: string }

/** Every setting with its effective value and origin; a secret's value is `(hidden)`, a missing one `(not set)`. */
export function listConfig(values: Values, origins: Origins): readonly ConfigRow[] {
  return settingKeys.map(key => {
    const { kind, isSecret } = settingOf(key)
    const value = values[key]
    const shown = value === undefined ? '(not set)' : isSecret ? '(hidden)' : kind.format(value)
    return { key, value: shown, origin: formatOrigin(origins[key]) }
  })
}

/** The rows of `listConfig` as a table for `stower config print`. */
export function printConfig(rows: readonly ConfigRow[]): string {
  const table = [{ key: 'SETTING', value: 'VALUE', origin: 'ORIGIN' }, ...rows]
  const keyWidth = Math.max(...table.map(row => row.key.length))
  const valueWidth = Math.max(...table.map(row => row.value.length))
  return table.map(row => `${row.key.padEnd(keyWidth)}  ${row.value.padEnd(valueWidth)}  ${row.origin}\n`).join('')
}
