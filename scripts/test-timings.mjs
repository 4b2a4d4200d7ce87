/**
 * Files that take long, in seconds on two cores: they begin first, so that none of them runs alone in the end. All others
 * count as short.
 */
const seconds = {
  'acceptance/soak/soak.test.ts': 160,
  'acceptance/clients/errors.test.ts': 100,
  'acceptance/clients/matrix.test.ts': 90,
  'test/slow/stalled-uploads.test.ts': 75,
  'test/slow/idle-connections.test.ts': 70,
  'test/crash/crash.test.ts': 50,
  'acceptance/conformance.test.ts': 50,
  'acceptance/clients/exchange.test.ts': 40,
  'test/metadata/postgres-under-load.test.ts': 38,
  'acceptance/clients/big-layers.test.ts': 35,
  'test/cli/beside-a-server.test.ts': 30,
  'test/oci/switches.test.ts': 25,
  'test/oci/upload-interleavings.test.ts': 25,
  'acceptance/differential.test.ts': 20,
  'test/build/container-image.test.ts': 20,
  'test/oci/sparse-manifests.test.ts': 20,
  'test/slow/slow-downloads.test.ts': 18,
  'test/crash/sweep.test.ts': 16,
  'test/oci/exhaustion.test.ts': 15,
  'test/oci/matrix.test.ts': 12,
  'test/gc/interleavings.test.ts': 12,
  'test/cli/command-line.test.ts': 10,
  'test/disk/full-disk.test.ts': 10,
}

/** What `bun test --timings` reads: the milliseconds of every file. */
export function formatTimings(files) {
  const entries = files.map(file => [file, (seconds[file] ?? 1) * 1000])
  return JSON.stringify({ version: 1, files: Object.fromEntries(entries) })
}
