import { afterAll, beforeAll, describe } from 'bun:test'
import { stower } from '../cli/command-line.ts'
import type { Engine } from '../databases.ts'
import { postgresPrograms } from '../postgres-server.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'

/** A running registry with the organization `group`. `at` is there once the tests run. */
export type TestRegistry = {
  at: { server: TestServer; client: RegistryClient }
  /** Runs a command beside the server; what it printed. */
  stower: (...args: string[]) => Promise<string>
}

/** Describes one suite over a server of each engine; without PostgreSQL its suite is skipped by name. */
export function describeRegistry(
  title: string,
  suite: (registry: TestRegistry, engine: Engine) => void,
  settings: Record<string, string> = {},
): void {
  for (const engine of ['sqlite', 'postgres'] as const) {
    const isMissing = engine === 'postgres' && !postgresPrograms()
    const describeEngine = isMissing ? describe.skip : describe
    describeEngine(`${title} over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
      const registry = {
        stower: async (...args: string[]) => {
          const { server } = registry.at
          const env = { STOWER_DATA_DIR: server.dataDir, ...server.databaseEnv }
          const { code, out, err } = await stower(args, { env })
          if (code !== 0) throw new Error(`stower ${args.join(' ')}: ${code} ${err}`)
          return out
        },
      } as TestRegistry
      beforeAll(async () => {
        const server = await startTestServer(engine, settings)
        await createOrganization(server, 'group')
        registry.at = { server, client: registryClient(server) }
      })
      afterAll(() => registry.at.server.stop())
      suite(registry, engine)
    })
  }
}
