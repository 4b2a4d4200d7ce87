import { expect, test } from 'bun:test'
import { serveHttp } from '../../src/http/serve.ts'
import { openRaw } from './raw.ts'

/** A server whose one request begins, and ends when `gate` opens. */
function serveGated() {
  const begun = Promise.withResolvers<AbortSignal | undefined>()
  const gate = Promise.withResolvers<void>()
  const server = serveHttp({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    forwarded: peer => ({ sourceAddress: peer, proto: undefined, host: undefined }),
    baseUrl: () => '',
    surfaceFor: () => async exchange => {
      begun.resolve(exchange.signal)
      await gate.promise
      return new Response('done')
    },
    onAnswered: () => {},
    bodyIdleMs: 10_000,
    connectionIdleMs: 120_000,
  })
  return { server, begun: begun.promise, gate }
}

test.each([
  ['is waited for', 10_000, true],
  ['is not waited for longer than the limit', 100, false],
])('a request whose client left %s', async (_title, limitMs, isClean) => {
  const { server, begun, gate } = serveGated()
  const socket = openRaw(server.url)
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
  const signal = await begun
  const left = new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve()))
  socket.destroy()
  await left
  const stopped = server.stop(limitMs)
  if (isClean) gate.resolve()
  expect(await stopped).toBe(isClean)
  gate.resolve()
})
