import { storedLinks } from '../quotas/stored/queries.ts'
import { uncountLinks } from '../quotas/stored/stored-bytes.ts'
import { nothingDone, type StepResult, type SweepDeps } from './deps.ts'
import { deleteUnusedLinks, type LinkPosition, pageOfLinks } from './queries.ts'

const linksPerStep = 500

/**
 * Takes blobs out of repositories whose manifests don't name them, and gives repositories and accounts their bytes back. A
 * manifest that is pushed meanwhile and names one either holds its link by the foreign key, or is told that it is
 * missing.
 */
export async function sweepLinks(deps: SweepDeps, from: string): Promise<StepResult> {
  const { db } = deps
  const after = parsePosition(from)
  const cutoffMs = deps.clock.nowMs() - deps.graceMs
  const page = await pageOfLinks(db.read, { after, limit: linksPerStep, cutoffMs })
  const last = page.at(-1)
  const next = last && page.length === linksPerStep ? formatPosition(last) : undefined
  if (!last || !page.some(link => link.isUnused)) return { ...nothingDone, next }
  await deps.atSweepStep?.('links-chosen')
  const deleted = await db.write(async tx => {
    const links = await deleteUnusedLinks(tx, { after, upTo: last }, cutoffMs)
    await uncountLinks(tx, await storedLinks(tx, links))
    return links
  })
  await deps.atSweepStep?.('links-removed')
  // Their bytes are counted when they go: other repositories may hold them.
  return { ...nothingDone, next, removed: deleted.length }
}

function parsePosition(text: string): LinkPosition {
  const [id = '', hex = ''] = text.split(' ')
  return { repositoryId: Number(id), digest: Uint8Array.fromHex(hex) }
}

function formatPosition({ repositoryId, digest }: LinkPosition): string {
  return `${repositoryId} ${digest.toHex()}`
}
