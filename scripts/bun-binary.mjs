import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { libcOf } from './loader.mjs'

/** The path of Bun's binary below `root`. Throws a sentence for people when this machine has none. */
export function bunBinary(root) {
  const binary = join(root, 'node_modules', bunPackage(), 'bin', 'bun')
  if (!existsSync(binary)) throw new Error(`${binary} is missing. Remove node_modules and start again.`)
  return binary
}

/** The npm package that carries Bun for this machine. Throws a sentence for people when there is none. */
export function bunPackage() {
  const cpu = { arm64: 'aarch64', x64: 'x64' }[process.arch]
  const isSupported = cpu !== undefined && (process.platform === 'linux' || process.platform === 'darwin')
  if (!isSupported) {
    throw new Error(
      `Stower runs on Linux and macOS with an x64 or arm64 processor; this is ${process.platform} on ${process.arch}.`,
    )
  }
  return `@oven/bun-${process.platform}-${cpu}${isMusl() ? '-musl' : ''}`
}

let musl

/** Whether this system's C library is musl. */
export function isMusl() {
  musl ??= process.platform === 'linux' && libcOf(process.execPath) === 'musl'
  return musl
}
