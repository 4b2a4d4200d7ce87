import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { describeEngines } from '../databases.ts'
import { type Action, actions, Interleaving } from './interleaving.ts'

/*
 * Pushes in all ways, mounts, HEADs, manifests, deletions of everything and the passing of time, between the transactions
 * of sweeps; and the steps of sweeps between the steps by which content is published. What was answered is held against
 * a model after each action.
 */

describeEngines('sweeps between everything else', (engine, open) => {
  const check = async (steps: readonly Action[], gaps: readonly number[]) => {
    const opened = await open()
    try {
      await using interleaving = await Interleaving.open(opened.db, steps, gaps)
      await interleaving.run()
      await interleaving.deleteEverything()
      expect(await interleaving.leftovers()).toEqual([])
    } finally {
      await opened.dispose()
    }
  }

  test('lose nothing that was answered and not deleted, keep totals right, and leave nothing of what was deleted', async () => {
    const property = fc.asyncProperty(
      fc.array(actions, { minLength: 20, maxLength: 60, size: 'max' }),
      fc.array(fc.nat(3), { minLength: 5, maxLength: 30, size: 'max' }),
      check,
    )
    await fc.assert(property, { endOnFailure: true, numRuns: engine === 'sqlite' ? 40 : 4 })
  }, 180_000)
})
