import type { Database } from '../metadata/database.ts'
import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'

/** Answers kept for all callers together before they are dropped and begun anew: each token of nobody is a caller. */
const mostKept = 20_000

/** `endOf`: the first moment at which an answer is untrue; undefined for one that only a commit makes so. */
export type Ending<T> = { clock: Clock; endOf: (answer: T) => number | undefined }

/**
 * Resolved answers kept while nothing was committed that could change them, so that a pull asked again costs one look at
 * the database's version instead of a join. Where the version can't be known cheaply (PostgreSQL) nothing is kept and
 * every answer is asked anew (invariant 6). An answer that time alone makes untrue is kept until then. Callers are told apart by identity: one remembered proof is one object.
 */
export class AnswerMemory<T> {
  readonly #db: Database
  readonly #about: 'rights' | 'content'
  readonly #ending: Ending<T> | undefined
  #version: number | undefined
  #answers = new WeakMap<Caller, Map<string, T>>()
  /** Not fewer than are kept: a caller that is forgotten takes its answers along uncounted. */
  #kept = 0

  /** `about`: what the answers hang on. `ending`: for answers that may end while nothing is committed. */
  constructor(db: Database, about: 'rights' | 'content', ending?: Ending<T>) {
    this.#db = db
    this.#about = about
    this.#ending = ending
  }

  /** The kept answer, or what `ask` finds. What `ask` throws is not kept. */
  async answer(caller: Caller, question: string, ask: () => Promise<T>): Promise<T> {
    const version = this.#db.version(this.#about)
    if (version === undefined) return ask()
    if (version !== this.#version) {
      this.#version = version
      this.#forget()
    }
    const known = this.#answers.get(caller)?.get(question)
    if (known !== undefined && !this.#hasEnded(known)) return known
    const found = await ask()
    // A commit between the look and the answer makes the answer one that must not be kept.
    if (this.#version !== version) return found
    if (this.#kept >= mostKept) this.#forget()
    const ofCaller = this.#answers.get(caller) ?? new Map<string, T>()
    this.#answers.set(caller, ofCaller.set(question, found))
    this.#kept++
    return found
  }

  #hasEnded(answer: T): boolean {
    const endMs = this.#ending?.endOf(answer)
    return endMs !== undefined && endMs <= (this.#ending?.clock.nowMs() ?? 0)
  }

  #forget(): void {
    this.#answers = new WeakMap()
    this.#kept = 0
  }
}
