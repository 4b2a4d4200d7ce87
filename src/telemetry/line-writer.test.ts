import { expect, test } from 'bun:test'
import { join } from 'node:path'

const child = `
const { openLineWriter } = await import('${join(import.meta.dir, 'line-writer.ts')}')
const writer = openLineWriter(1)
for (let number = 0; number < 20_000; number++) writer.write('line ' + number + '\\n')
await writer.flush()
process.stderr.write('flushed')
process.exit(0)`

const start = () => Bun.spawn([process.execPath, '-e', child], { stdout: 'pipe', stderr: 'pipe' })

test('every line reaches a reader, in order', async () => {
  const { stdout } = start()
  const lines = (await new Response(stdout).text()).trimEnd().split('\n')
  expect(lines).toEqual(Array.from({ length: 20_000 }, (_, number) => `line ${number}`))
})

test('a reader that went away holds up nobody', async () => {
  const { stdout, stderr, exited } = start()
  await stdout.cancel()
  expect(await new Response(stderr).text()).toBe('flushed')
  expect(await exited).toBe(0)
})
