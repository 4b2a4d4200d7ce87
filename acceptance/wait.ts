const pauseMs = 25

/** Asks again and again until it is so. Throws `what` after the limit. */
export async function waitUntil(
  isSo: () => boolean | Promise<boolean>,
  what: () => string,
  limitMs: number,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what()}`)
    await Bun.sleep(pauseMs)
  }
}
