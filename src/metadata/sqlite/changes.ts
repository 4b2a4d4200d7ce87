import type { WhatChanges } from '../what-changes.ts'

/** Versions of what a connection and others beside it committed, each counted on its own. */
export class Changes {
  readonly versions = { rights: 0, content: 0 }
  #pending: WhatChanges = 'nothing'

  /** Something of this kind is changed by the transaction under way, which may still take it back. */
  note(change: WhatChanges): void {
    if (change === 'rights' || this.#pending === 'nothing') this.#pending = change
  }

  /** In the same turn as the commit, before anything can read what it made true. */
  committed(): void {
    if (this.#pending === 'rights') this.versions.rights++
    if (this.#pending !== 'nothing') this.versions.content++
    this.#pending = 'nothing'
  }

  /** By another connection, which told nothing of what it changed. */
  committedElsewhere(): void {
    this.versions.rights++
    this.versions.content++
  }
}
