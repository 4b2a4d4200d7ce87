/** What the installation takes from anyone, whatever their rights. */
export type Switches = {
  /** Why nothing may be changed; undefined while changes are taken. */
  readOnlyReason: string | undefined
  /** False: tags, manifests, blobs and repositories stay. A tag may still be moved. */
  deletesContent: boolean
  quotas: QuotaLimits
}

/** How many there may be: organizations and repositories of an account, tags of a repository; absent: any number. */
export type QuotaLimits = { readonly [kind in QuotaKind]?: number }

export type QuotaKind = 'organizations' | 'repositories' | 'tags'

/** Everything is taken. */
export const openSwitches: Switches = { readOnlyReason: undefined, deletesContent: true, quotas: {} }

/** The registry is read-only until someone ends it; every server over the same metadata goes by it at once. */
export type Maintenance = { reason: string; sinceMs: number }
