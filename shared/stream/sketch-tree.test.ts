import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { CHUNK_TOKENS } from './constants.ts'
import { checkOpening, openSketches, sketchRoot, type SketchOpening } from './sketch-tree.ts'

const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 5)
const sketchesOf = (count: number, salt = 0): Uint16Array =>
  Uint16Array.from({ length: count * SKETCH_SIZE }, (_, i) => (i * 7919 + salt) & 0xffff)

/** A chunk of any length and place, and some of its positions. */
const chunks = fc
  .record({ count: fc.integer({ min: 1, max: CHUNK_TOKENS }), from: fc.nat(5000) })
  .chain(({ count, from }) =>
    fc.record({
      count: fc.constant(count),
      from: fc.constant(from),
      positions: fc.uniqueArray(fc.integer({ min: from, max: from + count - 1 }), { minLength: 1 }),
    }),
  )
const openingOf = (count: number, from: number, positions: readonly number[]) => {
  const sketches = sketchesOf(count)
  return {
    root: sketchRoot(secret, sketches, from),
    opening: openSketches(secret, sketches, from, positions),
  }
}
const badOpening = (reason: string) =>
  expect.objectContaining({ code: 'verify.bad-openings', facts: { reason } }) as Error

describe('the tree of sketches', () => {
  it('shows any of them, in order, and gives what was committed to', () => {
    fc.assert(
      fc.property(chunks, ({ count, from, positions }) => {
        const { root, opening } = openingOf(count, from, positions)
        const shown = checkOpening(root, opening, { from, count })
        expect(shown.map(({ position }) => position)).toEqual(positions.toSorted((a, b) => a - b))
        const sketches = sketchesOf(count)
        for (const { position, sketch } of shown) {
          const at = (position - from) * SKETCH_SIZE
          expect(sketch).toEqual(sketches.slice(at, at + SKETCH_SIZE))
        }
      }),
    )
  })

  it('needs no hashes beside the leaves where all are shown', () => {
    for (let count = 1; count <= CHUNK_TOKENS; count++) {
      const all = Array.from({ length: count }, (_, i) => 9 + i)
      expect(openingOf(count, 9, all).opening.siblings).toEqual([])
    }
  })

  it('is refused with any bit of it changed', () => {
    fc.assert(
      fc.property(chunks, fc.nat(), fc.nat(7), ({ count, from, positions }, place, bit) => {
        const { root, opening } = openingOf(count, from, positions)
        const copy = structuredClone(opening)
        const parts = [...copy.leaves.flatMap(({ salt, sketch }) => [salt, sketch]), ...copy.siblings]
        let at = place % parts.reduce((sum, { length }) => sum + length, 0)
        const part = parts.find(({ length }) => (at < length ? true : ((at -= length), false)))!
        part[at]! ^= 1 << bit
        expect(() => checkOpening(root, copy, { from, count })).toThrow(badOpening('root'))
      }),
    )
  })

  it('is refused under every other root and for every other chunk', () => {
    fc.assert(
      fc.property(chunks, ({ count, from, positions }) => {
        const { root, opening } = openingOf(count, from, positions)
        const roots = [
          sketchRoot(secret.toReversed(), sketchesOf(count), from),
          sketchRoot(secret, sketchesOf(count, 1), from),
          sketchRoot(secret, sketchesOf(count), from + 1),
        ]
        for (const another of roots)
          expect(() => checkOpening(another, opening, { from, count })).toThrow(badOpening('root'))
        // A chunk that was moved, as one of another place or job that is shown for this one.
        const moved = openSketches(
          secret,
          sketchesOf(count),
          from + count,
          positions.map((position) => position + count),
        )
        expect(() => checkOpening(root, moved, { from, count })).toThrow(badOpening('place'))
        const relabelled = {
          ...moved,
          from,
          leaves: moved.leaves.map((leaf) => ({ ...leaf, position: leaf.position - count })),
        }
        expect(() => checkOpening(root, relabelled, { from, count })).toThrow(badOpening('root'))
      }),
    )
  })

  it('never shows anything else for a number of tokens that was not signed', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: CHUNK_TOKENS }), ({ count, from, positions }, other) => {
        const { root, opening } = openingOf(count, from, positions)
        const shown = checkOpening(root, opening, { from, count })
        try {
          expect(checkOpening(root, opening, { from, count: other })).toEqual(shown)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'verify.bad-openings' })
        }
      }),
    )
  })

  const chunk = { from: 10, count: 6 }
  const tampered: readonly (readonly [string, string, (opening: SketchOpening) => SketchOpening])[] = [
    ['its leaves in another order', 'place', (o) => ({ ...o, leaves: o.leaves.toReversed() })],
    ['a leaf twice', 'place', (o) => ({ ...o, leaves: [o.leaves[0]!, ...o.leaves] })],
    ['no leaf', 'place', (o) => ({ ...o, leaves: [] })],
    ['another place', 'place', (o) => ({ ...o, from: 11 })],
    ['a leaf left out', 'form', (o) => ({ ...o, leaves: o.leaves.slice(1) })],
    ['a hash left out', 'form', (o) => ({ ...o, siblings: o.siblings.slice(1) })],
    ['a hash too many', 'form', (o) => ({ ...o, siblings: [...o.siblings, new Uint8Array(32)] })],
    ['its hashes in another order', 'root', (o) => ({ ...o, siblings: o.siblings.toReversed() })],
    [
      'two sketches that changed places',
      'root',
      ({ leaves: [a, b], ...o }) => ({
        ...o,
        leaves: [
          { ...a!, sketch: b!.sketch },
          { ...b!, sketch: a!.sketch },
        ],
      }),
    ],
  ]
  it.each(tampered)('is refused with %s', (_, reason, change) => {
    const { root, opening } = openingOf(chunk.count, chunk.from, [11, 14])
    expect(checkOpening(root, opening, chunk)).toHaveLength(2)
    expect(() => checkOpening(root, change(opening), chunk)).toThrow(badOpening(reason))
  })

  it('hides what is not shown: the same sketch has another leaf at each position and in each job', () => {
    const same = new Uint16Array(4 * SKETCH_SIZE)
    const { siblings } = openSketches(secret, same, 0, [0, 2])
    const hashes = siblings.map((hash) => Buffer.from(hash).toString('hex'))
    expect(new Set(hashes).size).toBe(2)
    expect(sketchRoot(secret, same, 0)).not.toEqual(sketchRoot(secret.toReversed(), same, 0))
  })

  it('takes no inner node for a leaf, nor two leaves for one', () => {
    // Four leaves, of which an attacker who knows all would show two nodes as two leaves.
    const { root, opening } = openingOf(4, 0, [0, 1, 2, 3])
    const halves = { ...opening, leaves: opening.leaves.slice(0, 2) }
    expect(() => checkOpening(root, halves, { from: 0, count: 2 })).toThrow(badOpening('root'))
  })

  it('is what it was: signatures depend on it', () => {
    const root = Buffer.from(sketchRoot(secret, sketchesOf(5), 3)).toString('hex')
    expect(root).toMatchInlineSnapshot(`"7b118cf8c3e50154f59e5169230dcedc8fb7d09d082f198d5b20dafca6c1a5e0"`)
  })
})
