import type { ValueKind } from './value-kinds.ts'

export type Setting<T> = {
  readonly kind: ValueKind<NonNullable<T>>
  /** What holds when no source says anything, written as a source would write it. */
  readonly default?: string
  readonly example: string
  readonly about: string
  /** Never shown, neither by `config print` nor in an error. */
  readonly isSecret: boolean
  /** The name with `_file` behind it, in every source, names a file that holds the value. */
  readonly hasFileForm: boolean
  /** Only read while the store is empty. */
  readonly isInitial: boolean
}

export function withDefault<T>(kind: ValueKind<NonNullable<T>>, value: string, about: string): Setting<T> {
  return { ...plain, kind, default: value, example: value, about }
}

export function optional<T>(kind: ValueKind<NonNullable<T>>, example: string, about: string): Setting<T | undefined> {
  return { ...plain, kind, example, about }
}

export function secret<T>(kind: ValueKind<NonNullable<T>>, example: string, about: string): Setting<T | undefined> {
  return { ...plain, kind, example, about, isSecret: true, hasFileForm: true }
}

export function initial<T>(kind: ValueKind<NonNullable<T>>, example: string, about: string): Setting<T | undefined> {
  return { ...plain, kind, example, about, hasFileForm: true, isInitial: true }
}

export function initialSecret<T>(kind: ValueKind<NonNullable<T>>, about: string): Setting<T | undefined> {
  return { ...initial<T>(kind, '(a secret)', about), isSecret: true }
}

const plain = { isSecret: false, hasFileForm: false, isInitial: false } as const
