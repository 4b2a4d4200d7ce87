import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { AccountsDeps, Sealer } from '../core/accounts/deps.ts'
import { findSetting, insertSetting } from '../core/accounts/proofs/queries.ts'
import { DomainError } from '../core/errors.ts'

/**
 * A sealer of the installation's encryption key. The first one to open a store leaves a check value there; a key that
 * does not open it is refused (`unavailable`), before anything is read or written with it.
 */
export async function openSealer({ db, key }: Pick<AccountsDeps, 'db'> & { key: string }): Promise<Sealer> {
  const sealer = sealerOf(key)
  if ((await findSetting(db.read, checkSetting)) === undefined) {
    const check = Buffer.from(sealer.seal(checkText, checkSetting)).toString('base64')
    await db.write(tx => insertSetting(tx, checkSetting, check))
  }
  const check = Buffer.from((await findSetting(db.read, checkSetting)) ?? '', 'base64')
  try {
    sealer.unseal(check, checkSetting)
  } catch (cause) {
    throw new DomainError(
      'unavailable',
      'the encryption key is not the one that this database was made with: set STOWER_ENCRYPTION_KEY, or put back the file encryption.key in the data folder, as it was then',
      {},
      { cause },
    )
  }
  return sealer
}

/** True when the store was already opened with an encryption key, which then must not be made anew. */
export async function hasEncryptionCheck({ db }: Pick<AccountsDeps, 'db'>): Promise<boolean> {
  return (await findSetting(db.read, checkSetting)) !== undefined
}

/**
 * AES-256-GCM under a key derived from `key`. What is sealed: `version 1 | nonce 12 | ciphertext | tag 16`; the purpose is
 * authenticated, not stored.
 */
export function sealerOf(key: string): Sealer {
  const secret = Buffer.from(hkdfSync('sha256', key, '', 'stower sealed secrets 1', 32))
  return {
    seal: (plain, purpose) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce)
      cipher.setAAD(Buffer.from(purpose))
      return Buffer.concat([Buffer.of(version), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    unseal: (sealed, purpose) => {
      try {
        if (sealed[0] !== version || sealed.byteLength < 1 + nonceBytes + tagBytes)
          throw new Error('not a sealed secret')
        const nonce = sealed.subarray(1, 1 + nonceBytes)
        const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes })
        decipher.setAAD(Buffer.from(purpose))
        decipher.setAuthTag(sealed.subarray(-tagBytes))
        return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes, -tagBytes)), decipher.final()])
      } catch (cause) {
        throw new DomainError(
          'unavailable',
          'a stored secret does not open with the encryption key: restore the database and its key together',
          { purpose },
          { cause },
        )
      }
    },
  }
}

const checkSetting = 'encryption_check'
const checkText = new TextEncoder().encode('stower')
const version = 1
const nonceBytes = 12
const tagBytes = 16
