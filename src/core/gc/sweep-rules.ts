import type { Reader, Transaction } from '../../metadata/database.ts'
import { deleteSetting, findSetting, upsertSetting } from '../access/settings/queries.ts'

const rulesKey = 'sweep-rules'

/** By what a process sweeps: how long what nobody needs stays, and whether anything goes at all. */
export type SweepRules = {
  graceMs: number
  /** Staged bytes that no session knows go after so long. */
  uploadExpiryMs: number
  /** Why nothing may go; undefined while it may. */
  readOnlyReason?: string | undefined
}

/** Keeps the rules of a server that starts, for commands that sweep beside it with settings of their own. */
export async function keepRules(tx: Transaction, rules: SweepRules): Promise<void> {
  await upsertSetting(tx, rulesKey, JSON.stringify(rules))
}

/** The stricter of these rules and those of the server that started last. */
export async function stricterRules(db: Reader, own: SweepRules): Promise<SweepRules> {
  const kept = await findSetting(db, rulesKey)
  if (kept === undefined) return own
  const served = JSON.parse(kept) as SweepRules
  return {
    graceMs: Math.max(own.graceMs, served.graceMs),
    uploadExpiryMs: Math.max(own.uploadExpiryMs, served.uploadExpiryMs),
    readOnlyReason: own.readOnlyReason ?? served.readOnlyReason,
  }
}

/** For a restored copy: they were another server's. */
export async function deleteRules(tx: Transaction): Promise<void> {
  await deleteSetting(tx, rulesKey)
}
