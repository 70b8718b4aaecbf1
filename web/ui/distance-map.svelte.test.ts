import { render } from 'svelte/server'
import { expect, it } from 'vitest'
import DistanceMap from './DistanceMap.svelte'
import { FIRST_CLASSES } from './distance-scale.ts'

function draw(count: number): string {
  const classes = Array.from({ length: count }, (_, i) => ({
    // As they come: the largest class first, which stands elsewhere in the table of distances.
    at: count - 1 - i,
    letter: `L${i}`,
    says: 'CPU',
    machines: '1 machine',
  }))
  const distances = classes.map((_, i) => classes.map((_, j) => (i === j ? undefined : (i + j) / 100)))
  return render(DistanceMap, { props: { classes, distances } }).body
}
const cells = (html: string): string[] =>
  [...html.matchAll(/<td class="num[^>]*>([^<]*)<\/td>/g)].map(([, text = '']) => text)

it('draws no table of distances where there is one class', () => {
  expect(draw(1)).toContain('1 machine')
  expect(draw(1)).not.toContain('<table')
})

it('draws each distance where its two classes meet, wherever they stand in the table', () => {
  expect(cells(draw(3))).toEqual(['—', '0.0300', '0.0200', '0.0300', '—', '0.0100', '0.0200', '0.0100', '—'])
  expect(cells(draw(5))).toHaveLength(25)
  expect(draw(5)).not.toContain('Show all')
})

it('draws the largest of many classes first, and offers the rest', () => {
  expect(cells(draw(40))).toHaveLength(FIRST_CLASSES ** 2)
  expect(draw(40)).toContain('Show all 40 classes')
})
