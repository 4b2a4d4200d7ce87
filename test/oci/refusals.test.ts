import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { ociImage, type RegistryClient, registryClient } from './registry-client.ts'

/** Refusals are answered so that clients show what they say (docs/decisions/014-refusals-that-clients-show.md). */

let server: TestServer
let client: RegistryClient

beforeAll(async () => {
  server = await startTestServer('sqlite', { STOWER_LIMITS_MANIFEST_SIZE: '64KiB' })
  await createOrganization(server, 'group')
  client = registryClient(server)
})
afterAll(() => server?.stop())

test('a push under a name that clients take and SWR does not answers 403 DENIED with the rule', async () => {
  const response = await client.request('POST', `/v2/group/${'a'.repeat(129)}/blobs/uploads/`)
  expect(response.status).toBe(403)
  const message = 'no repository can have this name: a repository name has 1 to 128 characters, and this one has 129'
  expect(await response.json()).toEqual({ errors: [{ code: 'DENIED', message }] })
})

test('who sends all of a manifest that is a little too large before they listen is answered 413 all the same', async () => {
  const body = 'a'.repeat(300 * 1024)
  const head = [
    'PUT /v2/group/app/manifests/large HTTP/1.1',
    `Host: ${server.host}`,
    `Authorization: ${server.basic}`,
    `Content-Type: ${ociImage}`,
    `Content-Length: ${body.length}`,
  ]
  const answer = await sendAllThenRead(`${head.join('\r\n')}\r\n\r\n${body}`)
  expect(answer).toStartWith('HTTP/1.1 413 ')
  expect(answer).toContain('"message":"the request body is larger than the 65536 bytes that are taken here: send less"')
})

/** Looks at nothing that comes back until everything was sent. */
function sendAllThenRead(text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const [host = '', port] = server.host.split(':')
  const socket = connect(Number(port), host)
  socket.on('error', reject)
  let answer = ''
  socket.on('connect', () => {
    socket.pause()
    socket.write(text, error => {
      if (error) return reject(error)
      socket.on('data', chunk => {
        answer += chunk
      })
      socket.resume()
    })
  })
  socket.on('close', () => resolve(answer))
  return promise
}
