/**
 * Files that take long, in seconds on two cores: they begin first, so that none of them runs alone in the end. All others
 * count as short.
 */
const seconds = {
  'acceptance/soak/soak.test.ts': 120,
  'acceptance/clients/errors.test.ts': 95,
  'acceptance/reference/schemathesis.test.ts': 60,
  'acceptance/clients/matrix.test.ts': 85,
  'acceptance/conformance.test.ts': 80,
  'test/slow/stalled-uploads.test.ts': 75,
  'test/crash/crash.test.ts': 70,
  'acceptance/clients/exchange.test.ts': 60,
  'test/oci/switches.test.ts': 50,
  'test/cli/beside-a-server.test.ts': 50,
  'acceptance/clients/big-layers.test.ts': 45,
  'acceptance/differential.test.ts': 45,
  'test/gc/interleavings.test.ts': 40,
  'test/oci/matrix.test.ts': 35,
  'test/oci/upload-interleavings.test.ts': 30,
  'test/build/container-image.test.ts': 30,
  'test/slow/idle-connections.test.ts': 30,
  'test/crash/sweep.test.ts': 30,
  'test/start/refusals.test.ts': 28,
  'test/slow/slow-downloads.test.ts': 27,
  'test/metadata/postgres-under-load.test.ts': 25,
  'test/oci/exhaustion.test.ts': 22,
  'test/memory/large-lists.test.ts': 20,
  'test/http/too-many-requests.test.ts': 15,
}

/** What `bun test --timings` reads: the milliseconds of every file. */
export function formatTimings(files) {
  const entries = files.map(file => [file, (seconds[file] ?? 1) * 1000])
  return JSON.stringify({ version: 1, files: Object.fromEntries(entries) })
}
