import { FFIType } from 'bun:ffi'
import { closeSync, openSync } from 'node:fs'
import { openLibc } from './libc.ts'

/**
 * Lets go of standard output: who reads it to its end, as a shell does for `$(…)`, goes on. What is written there from now
 * on is dropped. The descriptor is not closed, because the next file that is opened would get its number.
 */
export function leaveOutput(): void {
  const libc = openLibc({ dup2: { args: [FFIType.int, FFIType.int], returns: FFIType.int } })
  const nowhere = openSync('/dev/null', 'w')
  libc?.dup2(nowhere, standardOutput)
  closeSync(nowhere)
}

export const standardOutput = 1
