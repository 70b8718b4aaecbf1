import { render } from 'svelte/server'
import { expect, it } from 'vitest'
import { squaresPath } from './squares.ts'
import ChunkBlock from './ChunkBlock.svelte'
import PeerMark from './PeerMark.svelte'
import Tape from './Tape.svelte'

/** Squares that a drawing has of each class. */
function squaresIn(html: string): Record<string, number> {
  const paths = [...html.matchAll(/<path class="([a-z]+)[^"]*" d="([^"]*)"/g)]
  return Object.fromEntries(paths.map(([, kind = '', d = '']) => [kind, d.split('M').length - 1]))
}

it('draws squares with round corners or without', () => {
  expect(squaresPath([{ x: 4, y: 8 }], 3)).toBe('M4 8h3v3h-3v-3z')
  expect(squaresPath([{ x: 0, y: 0 }], 10, 2)).toBe(
    'M2 0h6a2 2 0 0 1 2 2v6a2 2 0 0 1 -2 2h-6a2 2 0 0 1 -2 -2v-6z',
  )
})

it('draws one square for each token: what there is, what is new, and room for more', () => {
  const draw = (props: { tokens: number; fresh?: number; room?: number }) =>
    squaresIn(render(ChunkBlock, { props }).body)
  expect(draw({ tokens: 10, fresh: 3 })).toEqual({ full: 7, now: 3, empty: 22 })
  expect(draw({ tokens: 32 })).toEqual({ full: 32 })
  expect(draw({ tokens: 2, fresh: 5, room: 8 })).toEqual({ now: 2, empty: 6 })
  expect(draw({ tokens: 0 })).toEqual({ empty: 32 })
})

it('takes few elements, however many tokens and peers there are', () => {
  const elements = (html: string): number => (html.match(/<[a-z]/g) ?? []).length
  expect(elements(render(Tape, { props: { parts: [384] } }).body)).toBeLessThanOrEqual(25)
  expect(elements(render(PeerMark, { props: { name: '12D3KooWabcdef' } }).body)).toBeLessThanOrEqual(3)
})
