import { expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { startProgram } from './program.ts'
import { pullImage, smoke } from './smoke.ts'

test('an organization, a repository, a push, a pull, kill -9, a restart, and the same bytes again', async () => {
  await using program = await startProgram()
  const first = await smoke(program)
  const second = await smoke(program)
  await program.stop()
  await program.restart()
  for (const image of [first, second]) await pullImage(program, image)
  await program.stop()
  // Others on the machine can't read what is in it.
  expect(statSync(program.dataDir).mode & 0o777).toBe(0o700)
})

test('a pull of an image that is not there fails the smoke test', async () => {
  await using program = await startProgram()
  await using other = await startProgram()
  const image = await smoke(program)
  await expect(pullImage(other, image)).rejects.toThrow('404 instead of 200')
})

test('a program that does not end with 0 after SIGTERM is reported', async () => {
  const command = ['sh', '-c', stubborn]
  await using program = await startProgram({ command })
  await expect(program.stop()).rejects.toThrow('ended with 3 after SIGTERM')
})

/** Answers like a server that is ready, and ends with 3. */
const stubborn = `exec "${process.execPath}" -e '
const [hostname, port] = process.env.STOWER_LISTEN.split(":")
Bun.serve({ hostname, port, fetch: () => new Response() })
process.on("SIGTERM", () => process.exit(3))'`
