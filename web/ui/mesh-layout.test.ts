import { expect, it } from 'vitest'
import { placeNodes, radiusOf, type MeshNode } from './mesh-layout.ts'

const node = (id: string, ms: number | undefined): MeshNode => ({
  id,
  kind: 'peer',
  ms,
  state: 'ok',
  link: undefined,
  via: undefined,
  label: id,
})
const distance = (size: number, spot: { x: number; y: number }): number =>
  Math.hypot(spot.x - size / 2, spot.y - size / 2)

it('grows with round-trip time on a log scale and never leaves the picture', () => {
  const radii = [0.1, 3, 10, 30, 300, 9000].map(radiusOf)
  expect(radii).toEqual(radii.toSorted((a, b) => a - b))
  expect(radiusOf(9000)).toBeLessThan(1)
})

it('puts those that were never measured outside of all rings', () => {
  const [near, unknown] = placeNodes([node('a', 12), node('b', undefined)], 600)
  expect(distance(600, unknown!)).toBeGreaterThan(radiusOf(300) * 286)
  expect(distance(600, near!)).toBeLessThan(distance(600, unknown!))
})

it('keeps everybody in place when others come', () => {
  const alone = placeNodes([node('a', 12)], 600)[0]
  const among = placeNodes([node('a', 12), node('b', 40), node('c', 90)], 600)[0]
  expect(among).toEqual(alone)
})

it('lays nobody upon another, and leaves the top to the words of the rings', () => {
  const crowd = placeNodes(
    Array.from({ length: 40 }, (_, i) => node(`tab ${i}`, undefined)),
    600,
  )
  for (const [i, one] of crowd.entries())
    for (const other of crowd.slice(i + 1))
      expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(7)
  expect(crowd.filter((spot) => spot.y < 60 && Math.abs(spot.x - 300) < 40)).toEqual([])
})
