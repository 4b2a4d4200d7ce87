/**
 * Bytes that the writers of one store hold, counted together: a few uploads may hold much each, many hold little each.
 * Beyond the limit (`isTight`) a writer takes nothing more before what it has is written.
 */
export class WriteMemory {
  readonly #limitBytes: number
  #heldBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  hold(bytes: number): void {
    this.#heldBytes += bytes
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes
  }

  get isTight(): boolean {
    return this.#heldBytes > this.#limitBytes
  }
}
