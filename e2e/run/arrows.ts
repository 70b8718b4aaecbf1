/**
 * `npm run arrows [-- folder]`: draws what imports what, folder by folder, from the sources as they are, then every
 * circle with the imports that tie it. Fails when there is one.
 */
import { fileURLToPath } from 'node:url'
import { circlesOf, edgesOf, insides, readArrows, type Edge } from '#shared/testing/import-map.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const [place = ''] = process.argv.slice(2)
const edges = edgesOf(readArrows(ROOT))

for (const [inside, parted] of [...insides(edges)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  if (inside !== '.' && !inside.startsWith(place)) continue
  console.log(inside === '.' ? 'the tree' : `${inside}/`)
  for (const line of drawing(parted.map(({ places }) => places))) console.log(`  ${line}`)
}

const circles = circlesOf(edges)
for (const { inside, places, ties } of circles) {
  console.log(`circle in ${inside}: ${places.join(', ')}`)
  for (const [from, to] of ties) console.log(`  ${from} -> ${to}`)
}
console.log(circles.length === 0 ? 'no circle' : `${circles.length} circles`)
process.exitCode = circles.length === 0 ? 0 : 1

/** One line for each place that imports a neighbour: `peer -> stream (12), wire (3)`. */
function drawing(places: readonly Edge[]): string[] {
  const byFrom = Map.groupBy(places, ([from]) => from)
  return [...byFrom]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([from, edges]) => {
      const counts = Map.groupBy(
        edges.filter(([, to]) => to !== from),
        ([, to]) => to,
      )
      const targets = [...counts].map(([to, { length }]) => `${nameOf(to)} (${length})`)
      return targets.length > 0 ? [`${nameOf(from)} -> ${targets.toSorted().join(', ')}`] : []
    })
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
