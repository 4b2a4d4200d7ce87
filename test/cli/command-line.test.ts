import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packageFile from '../../package.json' with { type: 'json' }
import { commands } from '../../src/cli/commands.ts'
import { stower } from './command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'stower-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the command line', () => {
  test('every command has help with an example', async () => {
    const all = await stower(['--help'])
    expect(all.code).toBe(0)
    for (const { words } of commands) {
      expect(all.out).toContain(words.join(' '))
      const { code, out } = await stower([...words, '--help'])
      expect([words, code, out.includes('Examples:')]).toEqual([words, 0, true])
    }
  })

  test('version tells program, schema and runtime', async () => {
    expect((await stower(['version'])).out).toStartWith(`stower ${packageFile.version} (schema 1, Bun `)
  })

  test('a mistyped command names the nearest', async () => {
    expect(await stower(['sevre'])).toEqual({
      code: 64,
      out: '',
      err: 'stower: there is no command "sevre" (did you mean serve?)\n',
    })
  })

  test('config check tells every problem at once and config print hides secrets', async () => {
    writeFileSync(join(folder, 'stower.yaml'), 'listn: 127.0.0.1:1\nlog:\n  level: loud\n')
    const env = { STOWER_ENCRYPTION_KEY: 'canary-of-the-key', STOWER_SHUTDOWN_TIMEOUT: 'soon' }
    const bad = await stower(['config', 'check'], { cwd: folder, env })
    expect(bad.code).toBe(1)
    expect(bad.err).toContain('listen')
    expect(bad.err).toContain('log.level')
    expect(bad.err).toContain('STOWER_SHUTDOWN_TIMEOUT')
    writeFileSync(join(folder, 'stower.yaml'), 'log:\n  level: warn\n')
    const good = await stower(['config', 'print'], { cwd: folder, env: { STOWER_ENCRYPTION_KEY: 'canary-of-the-key' } })
    expect(good.out).toMatch(/log\.level +warn +stower\.yaml/)
    expect(good.out).toMatch(/encryption_key +\(hidden\) +STOWER_ENCRYPTION_KEY/)
    expect(good.out).not.toContain('canary')
    expect((await stower(['config', 'check'], { cwd: folder })).code).toBe(0)
  })

  test('a command on a folder without an account says what to do', async () => {
    const { code, err } = await stower(['user', 'list'], { env: { STOWER_DATA_DIR: join(folder, 'empty') } })
    expect([code, err]).toEqual([1, 'stower: there is no account yet: start the server once\n'])
  })
})
