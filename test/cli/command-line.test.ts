import { afterAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packageFile from '../../package.json' with { type: 'json' }
import { commands } from '../../src/cli/commands.ts'
import { newestVersion } from '../../src/metadata/migrations/all.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'
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
    expect((await stower(['version'])).out).toStartWith(`stower ${packageFile.version} (schema ${newestVersion}, Bun `)
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

  test('a command on a folder without an installation names it and makes nothing there', async () => {
    const dataDir = join(folder, 'mistyped')
    for (const words of [
      ['user', 'list'],
      ['account', 'create', 'OTC111'],
      ['backup', join(folder, 'backup')],
    ]) {
      const { code, err } = await stower(words, { env: { STOWER_DATA_DIR: dataDir } })
      expect([code, err]).toEqual([
        1,
        `stower: there is no installation in ${dataDir}: name its folder with --data-dir, or start the server once to make one\n`,
      ])
      expect([existsSync(dataDir), existsSync(join(folder, 'backup'))]).toEqual([false, false])
    }
  })

  test('a command on a folder that holds other things leaves it as it is', async () => {
    const dataDir = join(folder, 'other')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'notes.txt'), 'mine')
    const { code, err } = await stower(['user', 'list'], { env: { STOWER_DATA_DIR: dataDir } })
    expect([code, err.includes(`there is no installation in ${dataDir}`)]).toEqual([1, true])
    expect(readdirSync(dataDir)).toEqual(['notes.txt'])
  })

  const testPostgres = postgresPrograms() ? test : test.skip
  testPostgres(
    'a command on a PostgreSQL that nothing was made in makes nothing there (needs postgresql-15)',
    async () => {
      const url = await (await postgresServer()).createDatabase()
      const dataDir = join(folder, 'fresh-postgres')
      mkdirSync(dataDir)
      const env = { STOWER_DATA_DIR: dataDir, STOWER_DATABASE_URL: url }
      const { code, err } = await stower(['account', 'create', 'OTC111'], { env })
      expect([code, err.includes('there is no installation in')]).toEqual([1, true])
      await using db = await openPostgres({ url, connections: 1 })
      expect(await db.hasSchema()).toBe(false)
    },
  )

  test('a long output reaches a slow reader of a pipe whole', async () => {
    const cwd = join(folder, 'long')
    mkdirSync(cwd)
    const keys = Array.from({ length: 4_000 }, (_, number) => `unknown_key_number_${number}: 1`)
    writeFileSync(join(cwd, 'stower.yaml'), keys.join('\n'))
    const main = join(import.meta.dir, '../../src/main.ts')
    const child = Bun.spawn(['sh', '-c', '("$0" "$1" config check 2>&1) | (sleep 1; cat)', process.execPath, main], {
      cwd,
      env: { PATH: process.env.PATH ?? '' },
    })
    const text = await new Response(child.stdout).text()
    expect(keys.filter(key => !text.includes(key.slice(0, -3)))).toEqual([])
    expect(text).toEndWith('\n')
  })
})
