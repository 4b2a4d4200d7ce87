import { Database as Connection } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveLoginKey, isLoginKey } from '../../src/protocol/auth/login-key.ts'
import { dockerToken, registryClient, sha256 } from '../oci/registry-client.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'
import { createOrganization, credentials, managementToken, startTestServer, type TestServer } from '../server.ts'
import { stower } from './command-line.ts'

for (const engine of ['sqlite', 'postgres'] as const) {
  const isMissing = engine === 'postgres' && !postgresPrograms()
  const describeEngine = isMissing ? describe.skip : describe
  describeEngine(`commands beside a running server over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
    let server: TestServer
    let env: Record<string, string>
    const scratch = mkdtempSync(join(tmpdir(), 'stower-cli-'))

    beforeAll(async () => {
      const database: Record<string, string> =
        engine === 'postgres' ? { STOWER_DATABASE_URL: await (await postgresServer()).createMigrated() } : {}
      server = await startTestServer(engine, database)
      env = { STOWER_DATA_DIR: server.dataDir, ...database }
      await createOrganization(server, 'group')
      await registryClient(server).pushImage('group/app', 'v1')
    })
    afterAll(async () => {
      await server.stop()
      rmSync(scratch, { recursive: true, force: true })
    })

    const run = async (...args: string[]) => {
      const result = await stower(args, { env })
      expect([result.code, result.err]).toEqual([0, ''])
      return result.out
    }
    const basic = (name: string, password: string) => `Basic ${btoa(`${name}:${password}`)}`
    const baseStatus = async (authorization: string) =>
      (await registryClient(server, authorization).request('GET', '/v2/')).status

    test('a user is made, changes the password, is disabled and enabled, each in force at once', async () => {
      const made = await run('user', 'create', 'ci')
      const password = /password \(shown once\): (\S+)/.exec(made)?.[1] ?? ''
      expect(await baseStatus(basic('ci', password))).toBe(200)
      const token = await dockerToken(server, [], basic('ci', password))
      expect(await registryStatus(token)).toBe(404)

      const changed = await stower(['user', 'password', 'ci', '--password-stdin'], { env, input: 'a-new-password-9\n' })
      expect([changed.code, changed.err]).toEqual([0, ''])
      expect(changed.out).not.toContain('a-new-password-9')
      expect(await baseStatus(basic('ci', password))).toBe(401)
      expect(await baseStatus(basic('ci', 'a-new-password-9'))).toBe(200)
      expect(await registryStatus(token)).toBe(401)

      await run('user', 'disable', 'ci')
      expect(await baseStatus(basic('ci', 'a-new-password-9'))).toBe(401)
      expect(await run('user', 'list')).toMatch(/ci +[0-9a-f]{32} +disabled +SWR OperateAccess/)
      await run('user', 'enable', 'ci')
      expect(await baseStatus(basic('ci', 'a-new-password-9'))).toBe(200)
    })

    /** Asks for something a user without rights can't see: 404 while the token counts, 401 when it is void. */
    const registryStatus = async (authorization: string) =>
      (await registryClient(server, authorization).request('GET', '/v2/group/app/tags/list')).status

    test('an answer that is remembered for speed is forgotten when a command changes something', async () => {
      const made = await run('user', 'create', 'boss', '--administrator')
      const password = /password \(shown once\): (\S+)/.exec(made)?.[1] ?? ''
      const token = await dockerToken(server, ['repository:group/app:pull'], basic('boss', password))
      const client = registryClient(server, token)
      for (let time = 0; time < 3; time++) {
        expect((await client.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
      }
      await run('user', 'disable', 'boss')
      expect((await client.request('GET', '/v2/group/app/manifests/v1')).status).toBe(401)
      expect((await client.request('GET', `/v2/group/app/blobs/${sha256('layer one')}`)).status).toBe(401)
    })

    test('a role is given at creation, shown, and changed in force at once, for a token that is out already', async () => {
      const made = await run('user', 'create', 'reader', '--role', 'SWR FullAccess')
      const password = /password \(shown once\): (\S+)/.exec(made)?.[1] ?? ''
      const token = await dockerToken(server, ['repository:group/app:pull,push'], basic('reader', password))
      const client = registryClient(server, token)
      const startUpload = async () => (await client.request('POST', '/v2/group/app/blobs/uploads/')).status
      expect(await startUpload()).toBe(202)
      expect(await run('user', 'role', 'reader', 'SWR ReadOnlyAccess')).toContain('is SWR ReadOnlyAccess')
      expect(await startUpload()).toBe(404)
      const shown = await run('user', 'show', 'reader')
      expect(shown).toMatch(/^role +SWR ReadOnlyAccess$/m)
      expect(shown).not.toContain(password)
      const wrong = await stower(['user', 'role', 'reader', 'root'], { env })
      expect([wrong.code, wrong.err.includes('te_admin')]).toEqual([1, true])
    })

    test('an access key logs in to docker until it is disabled', async () => {
      const made = await run('access-key', 'create', credentials.user)
      const ak = /access key: (\S+)/.exec(made)?.[1] ?? ''
      const sk = /secret key \(shown once\): (\S+)/.exec(made)?.[1] ?? ''
      const login = basic(`${credentials.project}@${ak}`, deriveLoginKey(ak, sk))
      expect(isLoginKey(deriveLoginKey(ak, sk), ak, sk)).toBe(true)
      expect(await baseStatus(login)).toBe(200)
      expect(await run('access-key', 'list')).toContain(ak)
      expect(await run('access-key', 'list')).not.toContain(sk)
      await run('access-key', 'disable', ak)
      expect(await baseStatus(login)).toBe(401)
      await run('access-key', 'enable', ak)
      expect(await baseStatus(login)).toBe(200)
    })

    test('a second account has an administrator who sees nothing of the first', async () => {
      const made = await run('account', 'create', 'OTC111')
      const password = /password \(shown once\): (\S+)/.exec(made)?.[1] ?? ''
      expect(await run('account', 'list')).toMatch(/OTC111/)
      const other = registryClient(server, basic('OTC111/admin', password))
      expect((await other.request('GET', '/v2/group/app/manifests/v1')).status).toBe(404)
      expect((await other.request('GET', '/v2/nowhere/app/manifests/v1')).status).toBe(404)
    })

    test('a backup taken under way is an installation of its own', async () => {
      const folder = join(scratch, `backup-${engine}`)
      const pushing = Promise.all(
        Array.from({ length: 20 }, (_, number) => registryClient(server).pushImage('group/busy', `v${number}`)),
      )
      expect(await run('backup', folder)).toContain('blobs and the database are in')
      await pushing
      expect((await stower(['backup', folder], { env })).err).toContain('is not empty')

      const before = readdirSync(folder).sort()
      expect(journalModeOf(join(folder, 'stower.db'))).toBe('delete')
      const target = join(scratch, `restored-${engine}`)
      const restored = await stower(['restore', folder], { env: { STOWER_DATA_DIR: target } })
      expect(readdirSync(folder).sort()).toEqual(before)
      expect(journalModeOf(join(folder, 'stower.db'))).toBe('delete')
      expect([restored.code, restored.err]).toEqual([0, ''])
      await expectSameImage(target, {})
      const again = await stower(['restore', folder], { env: { STOWER_DATA_DIR: target } })
      expect([again.code, again.err.includes('is not empty')]).toEqual([1, true])
    })

    const testPostgres = postgresPrograms() ? test : test.skip
    testPostgres('a backup is restored into PostgreSQL, whatever it came from (needs postgresql-15)', async () => {
      const folder = join(scratch, `backup-again-${engine}`)
      await run('backup', folder)
      const target = join(scratch, `moved-${engine}`)
      const database = { STOWER_DATABASE_URL: await (await postgresServer()).createDatabase() }
      const restored = await stower(['restore', folder], { env: { STOWER_DATA_DIR: target, ...database } })
      expect([restored.code, restored.err]).toEqual([0, ''])
      await expectSameImage(target, database)
      // The database is looked at before a byte is copied.
      const again = join(scratch, `moved-again-${engine}`)
      const refused = await stower(['restore', folder], { env: { STOWER_DATA_DIR: again, ...database } })
      expect([refused.code, refused.err.includes('the PostgreSQL database is not empty')]).toEqual([1, true])
      expect(existsSync(again)).toBe(false)
    })

    test('what nobody needs is named, and goes when it is asked to, beside the server', async () => {
      const client = registryClient(server)
      const { digest } = await client.pushImage('group/swept', 'v1', ['a layer of its own', 'layer one'])
      const lonely = await client.pushBlob('group/swept', 'never named')
      expect((await client.request('DELETE', `/v2/group/swept/manifests/${digest}`)).status).toBe(202)
      // Within the grace time only the manifest goes; its layers may be about to be named again.
      const early = await run('gc', '--dry-run')
      expect(early).toMatch(new RegExp(`body +\\d+ B  ${digest}  no repository holds this manifest`))
      expect(early).not.toContain(sha256('a layer of its own'))
      const foreseen = await run('gc', '--dry-run', '--gc-grace', '0s')
      expect(foreseen).toMatch(new RegExp(`link +group/swept@${lonely}  no manifest of the repository names it`))
      expect(foreseen).toMatch(new RegExp(`link +group/swept@${sha256('layer one')} `))
      expect(foreseen).toMatch(new RegExp(`blob +11 B  ${lonely}  no repository would hold it`))
      expect(foreseen).not.toMatch(new RegExp(`blob .* ${sha256('layer one')} `))
      expect(foreseen).toMatch(/Would go: .*links to blobs, 1 manifest \(.* B\), 2 blobs \(29 B\)/)
      // A registry that is read-only loses nothing, whoever asks.
      await run('maintenance', 'on', '--reason', 'new disks')
      const refused = await stower(['gc', '--gc-grace', '0s'], { env })
      expect([refused.code, refused.err]).toEqual([
        1,
        'stower: the registry is read-only, and nothing goes: stower maintenance show\n',
      ])
      await run('maintenance', 'off')
      expect(await run('gc', '--gc-grace', '0s')).toMatch(
        /Removed: .*links to blobs, 1 manifest \(.* B\), 2 blobs \(29 B\)/,
      )
      expect(await run('gc', '--dry-run', '--gc-grace', '0s')).toBe('Nothing would go.\n')
      expect(await run('gc', '--gc-grace', '0s')).toBe('Removed: nothing\n')
      expect((await client.request('GET', `/v2/group/swept/blobs/${lonely}`)).status).toBe(404)
      // The server forgets at once what it knew of it, and takes it again.
      await client.pushBlob('group/swept', 'never named')
      expect(await (await client.request('GET', `/v2/group/swept/blobs/${lonely}`)).text()).toBe('never named')
      expect((await client.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
    })

    test('gc goes by the rules of the server unless its own are stricter, and by a grace time that is asked for', async () => {
      const served = await startTestServer(engine, { STOWER_GC_GRACE: '0s' })
      const own = { STOWER_DATA_DIR: served.dataDir, ...served.databaseEnv }
      const gc = async (given: Record<string, string>, ...words: string[]) => {
        const { code, out, err } = await stower(['gc', ...words], { env: { ...own, ...given } })
        return code === 0 ? out : err
      }
      const foreseen = (given: Record<string, string>, ...words: string[]) => gc(given, '--dry-run', ...words)
      await createOrganization(served, 'group')
      await registryClient(served).pushBlob('group/app', 'lonely')
      expect(await foreseen({})).toBe('Nothing would go.\n')
      expect(await foreseen({ STOWER_GC_GRACE: '0s' })).toContain('Would go: 1 link')
      await served.running.stop()
      const restarted = await startTestServer(engine, { ...own, STOWER_GC_GRACE: '7d', STOWER_READ_ONLY: 'true' })
      expect(await foreseen({ STOWER_GC_GRACE: '0s' })).toBe('Nothing would go.\n')
      expect(await foreseen({}, '--gc-grace', '0s')).toContain('Would go: 1 link')
      expect(await gc({}, '--gc-grace', '0s')).toContain('the registry is read-only')
      await restarted.stop()
      rmSync(served.dataDir, { recursive: true, force: true })
    })

    test('lost credentials are replaced, and the old ones are void', async () => {
      const shown = await run('credentials', 'reset')
      const password = /Password +(\S+)/.exec(shown)?.[1] ?? ''
      expect(await baseStatus(server.basic)).toBe(401)
      expect(await baseStatus(basic(credentials.user, password))).toBe(200)
      await expect(managementToken(server)).rejects.toThrow('no token: 401')
    })

    /** Serves a restored folder and pulls what was pushed before the backup. */
    async function expectSameImage(dataDir: string, database: Record<string, string>): Promise<void> {
      const copy = await startTestServer('sqlite', { STOWER_DATA_DIR: dataDir, ...database })
      const client = registryClient({ url: copy.url, basic: server.basic })
      expect((await client.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
      expect(await (await client.request('GET', `/v2/group/app/blobs/${sha256('layer one')}`)).text()).toBe('layer one')
      await client.pushImage('group/app', 'v2', ['after the restore'])
      await copy.stop()
    }
  })
}

/** What its header says, which opening it to write would change; a medium that is read-only allows no log. */
function journalModeOf(file: string): string {
  const connection = new Connection(file, { readonly: true })
  const { journal_mode } = connection.query('PRAGMA journal_mode').get() as { journal_mode: string }
  connection.close()
  return journal_mode
}
