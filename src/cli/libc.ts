import { dlopen, type FFIFunction } from 'bun:ffi'

/** Functions of the C library; undefined where there is none of these. */
export function openLibc<Functions extends Record<string, FFIFunction>>(functions: Functions) {
  for (const name of ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libSystem.dylib']) {
    try {
      return dlopen(name, functions).symbols
    } catch {
      // Not this system's name for it.
    }
  }
  return undefined
}
