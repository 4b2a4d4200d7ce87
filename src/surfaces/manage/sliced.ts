/**
 * The text of a JSON value with a long list in it, made a slice of the list at a time: `head`, the entries, `tail`. A list
 * of one slice is text; a longer one is a stream that goes on as its reader does. The first slice is made at once, so
 * that what goes wrong with it can still be answered.
 */
export async function slicedText<Item>({
  head,
  count,
  slices,
  tail,
  viewOf,
}: SlicedList<Item>): Promise<string | ReadableStream<Uint8Array>> {
  const { value: first = [] } = await slices.next()
  const begun = `${head}${entriesOf(first, viewOf)}`
  if (first.length === count) return `${begun}${tail}`
  const texts = restOf({ begun, slices, tail, viewOf })
  return new ReadableStream<Uint8Array>(
    {
      pull: async controller => {
        const { value, done } = await texts.next()
        if (done) controller.close()
        else controller.enqueue(new TextEncoder().encode(value))
      },
      cancel: async () => void (await texts.return(undefined)),
    },
    { highWaterMark: 0 },
  )
}

export type SlicedList<Item> = {
  head: string
  /** Of all slices together. */
  count: number
  slices: AsyncGenerator<readonly Item[], undefined>
  tail: string
  viewOf: (item: Item) => object
}

async function* restOf<Item>({
  begun,
  slices,
  tail,
  viewOf,
}: Pick<SlicedList<Item>, 'slices' | 'tail' | 'viewOf'> & { begun: string }): AsyncGenerator<string, undefined> {
  yield begun
  for await (const slice of slices) yield `,${entriesOf(slice, viewOf)}`
  yield tail
}

function entriesOf<Item>(items: readonly Item[], viewOf: (item: Item) => object): string {
  return items.map(item => JSON.stringify(viewOf(item))).join(',')
}
