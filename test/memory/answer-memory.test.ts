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

  test('end when they say so, with nothing committed', async () => {
    await using database = { ...(await open()), [Symbol.asyncDispose]: () => database.dispose() }
    let nowMs = 0
    type Answer = { number: number; endMs: number | undefined }
    const memory = new AnswerMemory<Answer>(database.db, 'content', {
      clock: { nowMs: () => nowMs },
      endOf: answer => answer.endMs,
    })
    const caller: Caller = { kind: 'anonymous' }
    let asked = 0
    const ask = async (endMs: number | undefined) =>
      (await memory.answer(caller, `until ${endMs}`, async () => ({ number: ++asked, endMs }))).number
    const kept = (number: number, anew: number) => (engine === 'postgres' ? anew : number)
    expect([await ask(1000), await ask(undefined)]).toEqual([1, 2])
    nowMs = 999
    expect([await ask(1000), await ask(undefined)]).toEqual([kept(1, 3), kept(2, 4)])
    nowMs = 1000
    expect([await ask(1000), await ask(undefined)]).toEqual([kept(3, 5), kept(2, 6)])
    // What is over by the time it is known is kept for nobody.
    expect([await ask(1000), await ask(1000)]).toEqual([kept(4, 7), kept(5, 8)])
  })
})
