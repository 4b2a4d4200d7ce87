import { test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from './command.ts'
import { startProgram } from './program.ts'
import { pullImage, smoke } from './smoke.ts'

const launcher = join(dirname(import.meta.dir), 'bin/stower.mjs')

test('a backup taken while it serves is restored into a program that passes the smoke test', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stower-backup-'))
  try {
    const stower = (dataDir: string, ...args: string[]) =>
      run(process.env.STOWER_ACCEPTANCE_PROGRAM ?? 'node', [
        ...(process.env.STOWER_ACCEPTANCE_PROGRAM ? [] : [launcher]),
        ...args,
        '--data-dir',
        dataDir,
      ])
    await using program = await startProgram()
    const image = await smoke(program)
    await stower(program.dataDir, 'backup', join(folder, 'backup'))
    // What comes after the backup is no part of it, and does it no harm.
    await smoke(program)
    await stower(join(folder, 'restored'), 'restore', join(folder, 'backup'))
    await using restored = await startProgram({ dataDir: join(folder, 'restored') })
    await pullImage(restored, image)
    await smoke(restored)
    await restored.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
