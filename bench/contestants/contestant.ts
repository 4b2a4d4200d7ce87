import type { Registry } from '../registry.ts'

/** A program that takes part. */
export type Contestant = {
  name: string
  /** What is on and what is off, for the reader of the figures. */
  about: string
  isStower: boolean
  /** Starts it over the folder, which is new or was used by an earlier start; resolves at its first answer of 200. */
  start: (folder: string) => Promise<Running>
}

export type Running = Registry & {
  /** For the same rights as `authorization`, by a password with every request; undefined where nobody is asked. */
  basic: string | undefined
  /** From the call of the program to the first answer of 200. */
  startMs: number
  /** The process that serves, without a launcher. */
  serverPid: () => number
  stop: () => Promise<void>
}
