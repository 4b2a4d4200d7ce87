import { dlopen, FFIType, ptr } from 'bun:ffi'
import { isExecutable } from './program-name.ts'

/**
 * What Bun reads from the environment before any code of ours runs. As many file operations may wait for a disk at once
 * (its own default is one per core), and memory that is freed goes back at once, which halves what a burst leaves behind.
 */
const settings = { UV_THREADPOOL_SIZE: '32', MIMALLOC_PURGE_DELAY: '0' }

/**
 * Makes the executable start anew, as the same process, under its settings, which the launcher sets for the script form.
 * Where the system offers no `execve`, things stay as they are.
 */
export function restartWithSettings(): void {
  if (process.env.UV_THREADPOOL_SIZE !== undefined || !isExecutable) return
  const libc = openLibc()
  if (!libc) return
  const environment = { ...settings, ...process.env }
  const argv = new StringArray([process.execPath, ...process.argv.slice(2)])
  const envp = new StringArray(Object.entries(environment).map(([key, value]) => `${key}=${value}`))
  const path = cString(process.execPath)
  // Comes back only on failure, and then everything works as well; only a slow disk is felt sooner.
  libc.symbols.execve(ptr(path), argv.pointer, envp.pointer)
}

function openLibc() {
  for (const name of ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libSystem.dylib']) {
    try {
      return dlopen(name, { execve: { args: [FFIType.ptr, FFIType.ptr, FFIType.ptr], returns: FFIType.int } })
    } catch {
      // Not this system's name for it.
    }
  }
  return undefined
}

/** C's `char *array[]`, ending with a null pointer; it keeps its strings alive. */
class StringArray {
  readonly #strings: Uint8Array[]
  readonly #pointers: BigUint64Array

  constructor(texts: readonly string[]) {
    this.#strings = texts.map(cString)
    this.#pointers = new BigUint64Array([...this.#strings.map(string => BigInt(ptr(string))), 0n])
  }

  get pointer() {
    return ptr(this.#pointers)
  }
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`)
}
