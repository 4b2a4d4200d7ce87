import { nearest } from './nearest.ts'
import { environmentName, flagName, type SettingKey, settingKeys, settingOf } from './settings.ts'

/** What a name in a source stands for: a setting's value, or the file that holds it. */
export type Target = { readonly key: SettingKey; readonly isFileForm: boolean }

/** How one source spells the names of all settings. */
export type Names = {
  readonly all: readonly string[]
  find(name: string): Target | undefined
  /** Completes a sentence about an unknown name: ` (did you mean x?)`, or nothing. */
  suggest(name: string): string
}

/** Dotted keys, as in the YAML file. */
export const keyNames = spell(key => key)

/** Environment variables. */
export const environmentNames = spell(environmentName)

/** Flags, without the two hyphens. `config` is here so that a slip in it is recognised. */
export const flagNames = spell(flagName, ['config'])

function spell(nameOf: (key: string) => string, others: readonly string[] = []): Names {
  const targets = new Map<string, Target>()
  for (const key of settingKeys) {
    targets.set(nameOf(key), { key, isFileForm: false })
    if (settingOf(key).hasFileForm) targets.set(nameOf(`${key}_file`), { key, isFileForm: true })
  }
  const all = [...targets.keys(), ...others]
  return {
    all,
    find: name => targets.get(name),
    suggest(name) {
      const near = nearest(name, all)
      return near === undefined ? '' : ` (did you mean ${near}?)`
    },
  }
}
