/** Random numbers that a seed repeats (mulberry32). */
export type Random = {
  /** From 0 to below 1. */
  next: () => number
  /** A whole number, both bounds included. */
  between: (least: number, most: number) => number
  pick: <T>(choices: readonly T[]) => T | undefined
  chance: (probability: number) => boolean
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    pick: choices => choices[between(0, choices.length - 1)],
    chance: probability => next() < probability,
  }
}
