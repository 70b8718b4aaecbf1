import { describe, expect, it } from 'vitest'
import { peerName } from '../../base/ids.ts'
import { countingRandom } from '../../testing/peers.ts'
import { OPTIMISTIC_MS, ROTATE_MS } from './constants.ts'
import { UploadSlots, type SlotCandidate } from './upload-slots.ts'

let names = 0
const someone = (changes: Partial<SlotCandidate> = {}): SlotCandidate => ({
  peer: peerName(`peer ${names++}`),
  gotLately: 0,
  given: 0,
  isIdle: false,
  ...changes,
})

describe('UploadSlots', () => {
  it('serves the three who gave most lately, whatever they got, and one of the others by chance', () => {
    const givers = [9, 8, 7].map((gotLately) => someone({ gotLately, given: 1e9 }))
    const others = Array.from({ length: 9 }, () => someone({ gotLately: 1 }))
    const slots = new UploadSlots(countingRandom())
    const seen = new Set<SlotCandidate>()
    for (let now = 0; now < 40 * OPTIMISTIC_MS; now += OPTIMISTIC_MS) {
      const served = slots.review([...others, ...givers], now)
      expect(served.size).toBe(4)
      for (const giver of givers) expect(served.has(giver)).toBe(true)
      for (const each of served) seen.add(each)
    }
    expect(seen.size).toBe(12)
  })

  it('keeps the one by chance for its time, unless it goes', () => {
    const givers = [9, 8, 7].map((gotLately) => someone({ gotLately }))
    const others = Array.from({ length: 9 }, () => someone())
    const slots = new UploadSlots(countingRandom())
    const chosen = (among: readonly SlotCandidate[], now: number): SlotCandidate | undefined =>
      [...slots.review([...givers, ...among], now)].find(({ gotLately }) => gotLately === 0)
    const first = chosen(others, 0)
    for (let now = ROTATE_MS; now < OPTIMISTIC_MS; now += ROTATE_MS) expect(chosen(others, now)).toBe(first)
    const left = others.filter((other) => other !== first)
    expect(left).toContain(chosen(left, OPTIMISTIC_MS - 1))
  })

  it('serves those first who got less, and last who did not use their slot', () => {
    const idle = someone({ gotLately: 5, isIdle: true })
    const full = [3, 4].map((given) => someone({ given }))
    const fresh = [0, 1, 2].map((given) => someone({ given }))
    const served = new UploadSlots(countingRandom(), 3).review([idle, ...full, ...fresh], 0)
    for (const each of fresh) expect(served.has(each)).toBe(true)
  })

  it('takes a slot from nobody for another between two turns', () => {
    const slots = new UploadSlots(countingRandom())
    const first = Array.from({ length: 4 }, () => someone({ given: 1e9 }))
    const [toggling, ...staying] = first
    expect(slots.review(first, 0)).toEqual(new Set(first))
    const fresh = Array.from({ length: 9 }, () => someone({ gotLately: 1 }))
    for (let now = 1; now < ROTATE_MS; now += 100) {
      const isIn = now % 200 === 1
      const served = slots.review([...fresh, ...staying, ...(isIn && toggling ? [toggling] : [])], now)
      for (const each of staying) expect(served.has(each)).toBe(true)
      expect(served.size).toBe(4)
    }
    const served = slots.review([...first, ...fresh], ROTATE_MS)
    expect(first.filter((each) => served.has(each)).length).toBeLessThan(2)
  })

  it('gives each peer one slot before any has two, whatever it gave', () => {
    const slots = new UploadSlots(countingRandom())
    const many = Array.from({ length: 6 }, () => someone({ peer: peerName('greedy'), gotLately: 9 }))
    const [one, other] = [someone(), someone()]
    const alone = slots.review(many, 0)
    expect(alone.size).toBe(4)
    const served = slots.review([...many, one, other], ROTATE_MS)
    expect([one, other].every((each) => served.has(each))).toBe(true)
    expect(served.size).toBe(4)
  })

  it('serves everybody while there are places', () => {
    const few = [someone(), someone({ isIdle: true })]
    expect([...new UploadSlots(countingRandom()).review(few, 0)]).toEqual(few)
  })
})
