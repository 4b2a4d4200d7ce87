import { afterAll, beforeAll } from 'bun:test'
import type { Engine } from '../databases.ts'
import { createOrganization, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'

/** A server with the organization `group`, and its administrator as a client. There while tests run. */
export type TestRegistry = { readonly server: TestServer; readonly client: RegistryClient }

/** Describes one suite over a registry on each metadata engine. */
export function describeRegistries(title: string, suite: (registry: TestRegistry, engine: Engine) => void): void {
  describeServers(title, engine => suite(registryFor(engine), engine))
}

function registryFor(engine: Engine): TestRegistry {
  let server: TestServer | undefined
  const running = () => {
    if (!server) throw new Error('the server runs only while tests do')
    return server
  }
  beforeAll(async () => {
    server = await startTestServer(engine)
    await createOrganization(server, 'group')
  })
  afterAll(() => server?.stop())
  return {
    get server() {
      return running()
    },
    get client() {
      return registryClient(running())
    },
  }
}
