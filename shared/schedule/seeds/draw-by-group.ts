import type { Random } from '../../base/random.ts'
import { pickIndex } from '../../models/pieces/pick-index.ts'

/**
 * Some of these by chance, so that nobody is named to all. One of each group comes before a second one of any: a thousand
 * names of one hide nobody.
 */
export function drawByGroup<Item extends { readonly group: string }>(
  random: Random,
  items: Iterable<Item>,
  limit: number,
): Item[] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(item.group)
    if (group) group.push(item)
    else groups.set(item.group, [item])
  }
  const drawn: Item[] = []
  const draw = <T>(from: T[]): T[] => from.splice(pickIndex(random, from.length), 1)
  for (let round = [...groups.values()]; round.length > 0 && drawn.length < limit;) {
    const left: Item[][] = []
    while (round.length > 0 && drawn.length < limit) {
      const [group = []] = draw(round)
      drawn.push(...draw(group))
      if (group.length > 0) left.push(group)
    }
    round = left
  }
  return drawn
}
