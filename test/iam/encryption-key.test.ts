import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { obtainEncryptionKey } from '../../src/app/encryption-key.ts'
import { openSealer } from '../../src/identity/sealing.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

/** The error of what must fail. */
async function refused(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.catch((error: unknown) => error)
  if (outcome instanceof Error) return outcome
  throw new Error('nothing was refused')
}

describeEngines('encryption key', (_engine, open) => {
  let opened: TestDatabase
  let dataDir: string
  beforeEach(async () => {
    opened = await open()
    dataDir = mkdtempSync(join(tmpdir(), 'stower-key-'))
  })
  afterEach(async () => {
    rmSync(dataDir, { recursive: true, force: true })
    await opened.dispose()
  })

  test('the first start makes a key only its owner can read, and the next start takes it', async () => {
    const { db } = opened
    const made = await obtainEncryptionKey({ db, dataDir })
    expect(statSync(join(dataDir, 'encryption.key')).mode & 0o777).toBe(0o600)
    expect(Buffer.from(made, 'base64').byteLength).toBe(32)
    const sealed = (await openSealer({ db, key: made })).seal(Buffer.from('secret'), 'a')
    const again = await openSealer({ db, key: await obtainEncryptionKey({ db, dataDir }) })
    expect(Buffer.from(again.unseal(sealed, 'a')).toString()).toBe('secret')
    expect(readdirSync(dataDir)).toEqual(['encryption.key'])
  })

  test('starts at the same time agree on one key', async () => {
    const { db } = opened
    const keys = await Promise.all(Array.from({ length: 8 }, () => obtainEncryptionKey({ db, dataDir })))
    expect(new Set(keys).size).toBe(1)
    await Promise.all(keys.map(key => openSealer({ db, key })))
    expect(readdirSync(dataDir)).toEqual(['encryption.key'])
  })

  test('a key file that is gone is refused, never replaced', async () => {
    const { db } = opened
    await openSealer({ db, key: await obtainEncryptionKey({ db, dataDir }) })
    rmSync(join(dataDir, 'encryption.key'))
    const error = await refused(obtainEncryptionKey({ db, dataDir }))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(error.message).toContain('STOWER_ENCRYPTION_KEY')
    expect(readdirSync(dataDir)).toEqual([])
  })

  test('a wrong key is refused with a sentence that says what to do and holds no key', async () => {
    const { db } = opened
    await openSealer({ db, key: 'canary-right-key-0001' })
    const error = await refused(openSealer({ db, key: 'canary-wrong-key-0002' }))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(error.message).toContain('STOWER_ENCRYPTION_KEY')
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/canary/)
    await openSealer({ db, key: 'canary-right-key-0001' })
  })

  test('a configured key counts and no file is made', async () => {
    const { db } = opened
    expect(await obtainEncryptionKey({ db, dataDir, configured: 'configured-key-000' })).toBe('configured-key-000')
    expect(readdirSync(dataDir)).toEqual([])
  })

  test('an empty key file and an unreadable folder are refused', async () => {
    const { db } = opened
    writeFileSync(join(dataDir, 'encryption.key'), '\n')
    expect(await refused(obtainEncryptionKey({ db, dataDir }))).toMatchObject({ code: 'unavailable' })
    expect(readFileSync(join(dataDir, 'encryption.key'), 'utf8')).toBe('\n')
    const nowhere = join(dataDir, 'no', 'such', 'folder')
    expect(await refused(obtainEncryptionKey({ db, dataDir: nowhere }))).toMatchObject({ code: 'unavailable' })
  })
})
