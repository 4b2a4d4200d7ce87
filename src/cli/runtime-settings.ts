import { FFIType, ptr } from 'bun:ffi'
import { openLibc } from './libc.ts'
import { isExecutable } from './program-name.ts'

/**
 * What Bun reads from the environment before any code of ours runs. As many file operations may wait for a disk at once
 * (its own default is one per core), and memory that is freed goes back at once, which halves what a burst leaves behind.
 */
const settings = { UV_THREADPOOL_SIZE: '32', MIMALLOC_PURGE_DELAY: '0' }

/** Of a server that syncs nothing and whose memory ends with a test: it has no use for them, and starts without the detour. */
const ephemeralFlag = '--ephemeral'

/**
 * Makes the executable start anew, as the same process, under its settings, which the launcher sets for the script form.
 * Where the system offers no `execve`, things stay as they are.
 */
export function restartWithSettings(): void {
  if (process.env.UV_THREADPOOL_SIZE !== undefined || !isExecutable || process.argv.includes(ephemeralFlag)) return
  const libc = openLibc({ execve: { args: [FFIType.ptr, FFIType.ptr, FFIType.ptr], returns: FFIType.int } })
  if (!libc) return
  const environment = { ...settings, ...process.env }
  const argv = new StringArray([process.execPath, ...process.argv.slice(2)])
  const envp = new StringArray(Object.entries(environment).map(([key, value]) => `${key}=${value}`))
  const path = cString(process.execPath)
  // Comes back only on failure, and then everything works as well; only a slow disk is felt sooner.
  libc.execve(ptr(path), argv.pointer, envp.pointer)
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
