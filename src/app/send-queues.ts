import { dlopen, ptr } from 'bun:ffi'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/*
 * How Bun's timer of a connection learns that a slow reader reads. The timer starts anew when the socket takes bytes
 * again, which by itself happens when a third of its queue is free: of 4 MiB, more than a slow reader takes in a minute.
 */

/** Bytes that wait in the kernel unsent, at most; the socket takes more when half of them are gone. */
const unsentBytes = 2 * 1024 * 1024

/**
 * Bounds what waits unsent in every connection of this process's listeners from now on, as accepted sockets inherit it
 * (tcp(7), TCP_NOTSENT_LOWAT). It also bounds the kernel memory that a client which reads nothing can hold. False where
 * the system has no such thing; then a timeout has to be longer for the same slow reader.
 */
export function boundSendQueues(): boolean {
  if (process.platform !== 'linux') return false
  const setOption = findSetsockopt()
  const value = new Uint32Array([unsentBytes])
  const listeners = listeningDescriptors()
  return listeners.every(fd => setOption?.(fd, protocolTcp, notsentLowat, ptr(value), value.byteLength) === 0)
}

const protocolTcp = 6
const notsentLowat = 25

function findSetsockopt() {
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  for (const library of ['libc.so.6', `libc.musl-${cpu}.so.1`]) {
    try {
      return dlopen(library, { setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' } }).symbols
        .setsockopt
    } catch {
      // The other C library.
    }
  }
  return undefined
}

/** Bun doesn't tell the descriptor it listens on; the kernel does (proc(5): `net/tcp`, state 0A is LISTEN). */
function listeningDescriptors(): number[] {
  const lines = ['tcp', 'tcp6'].flatMap(table => readLines(`/proc/self/net/${table}`))
  const fields = lines.map(line => line.trim().split(/\s+/))
  const sockets = new Set(fields.filter(field => field[3] === '0A').map(field => `socket:[${field[9]}]`))
  return readdirSync('/proc/self/fd')
    .filter(fd => sockets.has(readLink(`/proc/self/fd/${fd}`)))
    .map(Number)
}

/** None where the kernel has no such protocol. */
function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** Empty for a descriptor that was closed meanwhile. */
function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
