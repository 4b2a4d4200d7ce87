/** A row of COVERAGE.md: a statement, and the tests that prove it or the feature that it waits for. */
export type Row = { id: string; statement: string; level: string; proofs: Proof[] }

/** `title` is a test's own title, the title of a group (all its tests), or both with ` > ` between them. */
export type Proof = { kind: 'test'; file: string; title: string } | { kind: 'waits'; feature: string }

/** Features that are not built yet; nothing else may be waited for. */
export const awaitedFeatures = [
  'accounts over OpenID Connect',
  'console',
  'immutable tags',
  'object storage',
  'outgoing requests',
  'proxy of other registries',
  'replicas',
  'sync',
  'triggers',
] as const

/** Every row of the tables in the page, in its order. Throws with the line where one can't be read. */
export function readRows(page: string): Row[] {
  return page
    .split('\n')
    .filter(line => line.startsWith('| ') && !/^\| (?:id|---)/.test(line))
    .map(line => {
      const cells = line.slice(2, -2).split(' | ')
      const [id, statement, level, proofs] = cells
      if (cells.length !== 4 || !id || !statement || !level || !proofs) throw new Error(`no row of four cells: ${line}`)
      return { id, statement, level, proofs: proofs.split('<br>').map(proof => readProof(proof.trim(), line)) }
    })
}

function readProof(text: string, line: string): Proof {
  const waits = /^waits for (.+)$/.exec(text)
  if (waits?.[1]) return { kind: 'waits', feature: waits[1] }
  const [, file, title] = /^`([^`]+\.test\.ts)` › (.+)$/.exec(text) ?? []
  if (!file || !title) throw new Error(`"${text}" names neither a test nor a feature: ${line}`)
  return { kind: 'test', file, title: title.replaceAll('\\|', '|') }
}

/** True when the full name of a test, its groups first, is what a proof names. What is missing for it doesn't count. */
export function isNamedBy(fullName: string, title: string): boolean {
  const parts = fullName.split(' > ').map(part => part.replace(/ \(needs [^)]*\)$/, ''))
  const wanted = title.split(' > ')
  return parts.some((_, at) => wanted.every((part, offset) => parts[at + offset] === part))
}
