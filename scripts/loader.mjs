import { closeSync, openSync, readSync } from 'node:fs'

/**
 * The C library that a Linux program is linked with, told by the loader that its first bytes name: `glibc`, `musl`, or
 * undefined for a static program. The official way for Node's own, process.report.getReport(), takes longer than
 * everything else the launcher does.
 */
export function libcOf(file) {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(4096)
    const start = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0)).toString('latin1')
    if (start.includes('/ld-musl-')) return 'musl'
    return start.includes('/ld-linux') || start.includes('/ld64.so') ? 'glibc' : undefined
  } finally {
    closeSync(descriptor)
  }
}
