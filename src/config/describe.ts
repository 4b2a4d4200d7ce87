import { environmentName, flagName, type SettingKey, settingKeys, settingOf } from './settings.ts'

export type SettingDescription = {
  readonly key: SettingKey
  readonly environment: string
  /** With its hyphens. */
  readonly flag: string
  /** The same names with `_file` behind them take a file that holds the value. */
  readonly hasFileForm: boolean
  readonly isSecret: boolean
  readonly isInitial: boolean
  readonly isList: boolean
  /** Completes "expected …". */
  readonly expected: string
  readonly default: string | undefined
  readonly example: string
  /** Sentences in Markdown. */
  readonly about: string
}

/** What there is to know about every setting, in the order of the schema. */
export function describeConfig(): readonly SettingDescription[] {
  return settingKeys.map(key => {
    const { kind, default: defaultText, example, about, isSecret, hasFileForm, isInitial } = settingOf(key)
    return {
      key,
      environment: environmentName(key),
      flag: `--${flagName(key)}`,
      hasFileForm,
      isSecret,
      isInitial,
      isList: kind.isList,
      expected: kind.expected,
      default: defaultText,
      example,
      about,
    }
  })
}
