/** Runs what it is given in the order in which it is given, each when the one before has ended, however it did. */
export type Turns = <T>(run: () => Promise<T>) => Promise<T>

export function oneAfterAnother(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return run => {
    const next = last.then(run)
    last = next.catch(() => {})
    return next
  }
}
