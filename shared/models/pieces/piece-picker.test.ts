import { describe, expect, it } from 'vitest'
import { realRandom } from '../../testing/real-clock.ts'
import { PieceMap } from '../store/piece-map.ts'
import { MAX_ENDGAME_SOURCES, RANDOM_PIECES } from './constants.ts'
import { PiecePicker } from './piece-picker.ts'

const PIECES = 40

function mapOf(pieces: readonly number[]): PieceMap {
  const map = new PieceMap(PIECES)
  for (const piece of pieces) map.add(piece)
  return map
}
const all = Array.from({ length: PIECES }, (_, i) => i)
const pick = (held: readonly number[] = []): PiecePicker =>
  new PiecePicker(PIECES, all, mapOf(held), realRandom)

describe('PiecePicker', () => {
  it('takes the first pieces by chance, then those that fewest peers have', () => {
    const picker = pick()
    const rare = [3, 17, 29]
    picker.addPeer(mapOf(all))
    picker.addPeer(mapOf(all.filter((piece) => !rare.includes(piece))))
    const first: number[] = []
    while (first.length < RANDOM_PIECES) {
      const piece = picker.next(mapOf(all)) ?? -1
      first.push(piece)
      picker.take(piece)
      picker.keep(piece)
      picker.release(piece)
    }
    const left = rare.filter((piece) => !first.includes(piece))
    const next = left.map(() => {
      const piece = picker.next(mapOf(all)) ?? -1
      picker.take(piece)
      return piece
    })
    expect(next.sort((a, b) => a - b)).toEqual(left)
    const others = new Set(Array.from({ length: 200 }, () => pick().next(mapOf(all))))
    expect(others.size).toBeGreaterThan(PIECES / 2)
  })

  it('counts what was here before among the first ones, and never picks it', () => {
    const picker = pick([0, 1, 2, 3])
    picker.addPeer(mapOf(all))
    picker.addPeer(mapOf(all.filter((piece) => piece !== 9)))
    expect(picker.next(mapOf(all))).toBe(9)
    expect(picker.next(mapOf([0, 1]))).toBeUndefined()
    expect(picker.missing).toBe(PIECES - 4)
  })

  it('asks again only when everything is being fetched, of a bounded number, and not the same one', () => {
    const picker = pick(all.slice(2))
    const [first = -1, second = -1] = [0, 1]
    picker.take(first)
    expect(picker.nextAgain(mapOf(all), () => false)).toBeUndefined()
    picker.take(second)
    expect(picker.next(mapOf(all))).toBeUndefined()
    expect(picker.nextAgain(mapOf(all), (piece) => piece === first)).toBe(second)
    for (let i = 1; i < MAX_ENDGAME_SOURCES; i++) picker.take(second)
    expect(picker.nextAgain(mapOf(all), () => false)).toBe(first)
    expect(picker.nextAgain(mapOf(all), (piece) => piece === first)).toBeUndefined()
    picker.keep(first)
    picker.keep(second)
    expect(picker.isEndgame).toBe(false)
    expect(picker.missing).toBe(0)
  })

  it('gives back what was not brought', () => {
    const picker = pick(all.slice(1))
    picker.take(0)
    expect(picker.isFree(0)).toBe(false)
    picker.release(0)
    expect(picker.next(mapOf([0]))).toBe(0)
  })

  it('finds the longest run for who reads in order, within each file', () => {
    const picker = pick([5, 6])
    picker.take(20)
    expect(
      picker.longestRun([
        [0, 10],
        [10, PIECES],
      ]),
    ).toEqual({ start: 21, length: 19 })
    expect(picker.longestRun([[0, 10]])).toEqual({ start: 0, length: 5 })
    expect(picker.longestRun([[5, 7]])).toBeUndefined()
  })
})
