import type { Content } from './content.ts'

/** A push that was begun. Answered with 2xx it must survive; otherwise it may be there whole or not at all. */
export type Push = { isAnswered: boolean } & (
  | { kind: 'blob'; repository: string; content: Content }
  | { kind: 'manifest'; repository: string; digest: string; body: string; blobs: readonly Content[] }
)

/** An upload that was begun and whose end was not answered. */
export type Upload = {
  repository: string
  path: string
  content: Content
  /** What the server told last. */
  offsetBytes: number
  /** The request that would have published it was on its way. */
  isClosing: boolean
}

/** What one life of a server was asked to do. */
export type Ledger = {
  pushes: Push[]
  uploads: Set<Upload>
  /** By repository and tag: the manifests it may show, from the last answered move on. */
  tags: Map<string, { repository: string; tag: string; digests: string[] }>
}

export function newLedger(): Ledger {
  return { pushes: [], uploads: new Set(), tags: new Map() }
}
