import { expect, test } from 'bun:test'
import { describeRegistry, type TestRegistry } from './describe-registry.ts'
import { digestOf, imageOf, indexOf, putManifest } from './manifests-of-tests.ts'

const config = '{"of":"shape"}'
const image = imageOf(config, [])

/** Levels of indexes, each of which names all of the level below; the lowest names the image. */
function levelsOf(depth: number, fanOut: number): string[][] {
  const levels: string[][] = [[image]]
  while (levels.length <= depth) {
    const below = levels.at(-1) ?? []
    levels.push(
      Array.from({ length: fanOut }, (_, number) =>
        indexOf(below, { annotations: { at: `${levels.length} ${number}` } }),
      ),
    )
  }
  return levels
}

/** Pushes levels in their order until one is refused; the statuses of each level, and the last refusal. */
async function push(registry: TestRegistry, name: string, levels: readonly (readonly string[])[]) {
  await registry.at.client.pushBlob(name, config)
  const statuses: number[][] = []
  for (const level of levels) {
    const answers = []
    for (const body of level) {
      answers.push(await putManifest(registry.at.client, `${name}@${digestOf('sha256', body)}`, body))
    }
    statuses.push(answers.map(answer => answer.status))
    const refused = answers.find(answer => answer.status >= 400)
    if (refused) return { statuses, refusal: await refused.text() }
  }
  return { statuses, refusal: undefined }
}

describeRegistry('indexes of indexes', registry => {
  test('are accepted eight deep, and not nine', async () => {
    const { statuses, refusal } = await push(registry, 'group/deep', levelsOf(50, 1))
    expect(statuses).toEqual([...Array(9).fill([201]), [400]])
    expect(refusal).toContain('indexes are nested 9 deep: at most 8 are accepted')
  })

  test('that share their children are refused before what they name multiplies', async () => {
    const startedMs = performance.now()
    const { statuses, refusal } = await push(registry, 'group/wide', levelsOf(50, 10))
    expect(statuses.slice(0, -1).flat()).toEqual(Array(41).fill(201))
    expect(statuses.at(-1)).toEqual(Array(10).fill(400))
    expect(refusal).toContain('the index names 21110 manifests')
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })

  test('that name one child again and again count it each time', async () => {
    await push(registry, 'group/again', [[image], [indexOf([image])]])
    const nested = indexOf(Array(5_001).fill(indexOf([image])))
    const refused = await putManifest(registry.at.client, 'group/again:v1', nested)
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('names 10002 manifests')])
    const whole = indexOf(Array(10_001).fill(image))
    expect((await putManifest(registry.at.client, 'group/again:v2', whole)).status).toBe(400)
    const fits = indexOf(Array(10_000).fill(image))
    expect((await putManifest(registry.at.client, 'group/again:v3', fits)).status).toBe(201)
  })
})

describeRegistry(
  'indexes of indexes that come before what they name',
  registry => {
    test('are held to the same depth', async () => {
      const { statuses, refusal } = await push(registry, 'group/deep', levelsOf(50, 1).toReversed())
      expect(statuses).toEqual([...Array(8).fill([201]), [400]])
      expect(refusal).toContain('indexes are nested 9 deep')
    })

    test('are held to the same number, in bounded time', async () => {
      const startedMs = performance.now()
      const { statuses, refusal } = await push(registry, 'group/wide', levelsOf(50, 10).toReversed())
      expect(statuses.flat().filter(status => status === 201).length).toBeLessThan(41)
      expect(refusal).toMatch(/the index names \d+ manifests with those that its indexes name: at most 10000/)
      expect(performance.now() - startedMs).toBeLessThan(20_000)
    })

    test('are measured again as their children come, so that what is pushed on top is held to it', async () => {
      const levels = levelsOf(8, 1)
      const [top, ...rest] = levels.toReversed()
      await push(registry, 'group/later', [...rest.toReversed().slice(0, 4), ...rest.slice(0, 4).toReversed()])
      expect((await push(registry, 'group/later', [top ?? []])).statuses).toEqual([[201]])
      const above = indexOf(top ?? [])
      expect((await putManifest(registry.at.client, 'group/later:v1', above)).status).toBe(400)
    })

    test('that many wait for comes when some of them are deleted, or elsewhere, as the refusal says', async () => {
      const awaited = indexOf([image])
      for (let number = 0; number < 101; number++) {
        const waiting = indexOf([awaited], { annotations: { number: String(number) } })
        expect((await putManifest(registry.at.client, `group/crowd:v${number}`, waiting)).status).toBe(201)
      }
      const refused = await putManifest(registry.at.client, 'group/crowd:awaited', awaited)
      const sentence = 'delete some of them, or push it to another repository'
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(sentence)])
      expect((await putManifest(registry.at.client, 'group/elsewhere:awaited', awaited)).status).toBe(201)
      await registry.at.client.request('DELETE', '/v2/group/crowd/manifests/v0')
      const first = indexOf([awaited], { annotations: { number: '0' } })
      await registry.at.client.request('DELETE', `/v2/group/crowd/manifests/${digestOf('sha256', first)}`)
      expect((await putManifest(registry.at.client, 'group/crowd:awaited', awaited)).status).toBe(201)
    })
  },
  { STOWER_SPARSE_MANIFESTS: 'true' },
)
