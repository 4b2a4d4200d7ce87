/** Items in their order, in groups that together weigh no more than `most`; one that weighs more by itself is a group. */
export function groupsWithin<Item>(items: readonly Item[], most: number, weightOf: (item: Item) => number): Item[][] {
  const groups: Item[][] = []
  let weight = Number.POSITIVE_INFINITY
  for (const item of items) {
    weight += weightOf(item)
    if (weight <= most) {
      groups.at(-1)?.push(item)
      continue
    }
    groups.push([item])
    weight = weightOf(item)
  }
  return groups
}
