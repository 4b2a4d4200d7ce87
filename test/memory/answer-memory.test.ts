import { expect, test } from 'bun:test'
import { AnswerMemory } from '../../src/core/answer-memory.ts'
import type { Caller } from '../../src/core/caller.ts'
import { describeEngines } from '../databases.ts'

describeEngines('remembered answers', (engine, open) => {
  test('are so many for all callers together, however many callers ask for however many names', async () => {
    await using database = { ...(await open()), [Symbol.asyncDispose]: () => database.dispose() }
    const memory = new AnswerMemory<number>(database.db, 'rights')
    const callers = Array.from({ length: 100 }, (): Caller => ({ kind: 'anonymous', scopes: [] }))
    let asked = 0
    const askAll = async () => {
      asked = 0
      for (let number = 0; number < 500; number++) {
        for (const caller of callers) await memory.answer(caller, `group/r${number}`, async () => ++asked)
      }
      return asked
    }
    expect(await askAll()).toBe(50_000)
    // From the end, where those stand that were kept last.
    let kept = 0
    for (let number = 499; number >= 0; number--) {
      for (const caller of callers) {
        let isAsked = false
        await memory.answer(caller, `group/r${number}`, async () => {
          isAsked = true
          return 0
        })
        if (!isAsked) kept++
      }
    }
    if (engine === 'postgres') expect(kept).toBe(0)
    else expect(kept).toBeWithin(5_000, 20_001)
  })
})
