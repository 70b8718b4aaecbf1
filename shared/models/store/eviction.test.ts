import { describe, expect, it } from 'vitest'
import { hitRatios, makeTrace } from '../../testing/eviction-trace.ts'
import { evict, HALF_LIFE_MS, used, worthOf, type KeptModel } from './eviction.ts'

const model = (name: string, more: Partial<KeptModel> = {}): KeptModel => ({
  name,
  bytes: 1000,
  use: { hits: 1, at: 0, floor: 0 },
  refetchSeconds: 10,
  revenue: 0,
  mustStay: false,
  ...more,
})
const names = (models: readonly KeptModel[]) => models.map(({ name }) => name)

describe('the worth of a model', () => {
  it('grows with its uses, what it costs and what it earns, and falls with its bytes and in three days by half', () => {
    const plain = worthOf(model('plain'), 0)
    expect(plain).toBeCloseTo(10 / 1000)
    expect(worthOf(model('often', { use: { hits: 3, at: 0, floor: 0 } }), 0)).toBeCloseTo(3 * plain)
    expect(worthOf(model('far', { refetchSeconds: 20 }), 0)).toBeCloseTo(2 * plain)
    expect(worthOf(model('earning', { revenue: 4 }), 0)).toBeCloseTo(5 * plain)
    expect(worthOf(model('large', { bytes: 2000 }), 0)).toBeCloseTo(plain / 2)
    expect(worthOf(model('old'), HALF_LIFE_MS)).toBeCloseTo(plain / 2)
    expect(worthOf(model('late', { use: { hits: 1, at: 0, floor: 7 } }), 0)).toBeCloseTo(7 + plain)
  })

  it('is never more than now for a use that a wrong clock put into the future', () => {
    const future = { hits: 1, at: 50 * HALF_LIFE_MS, floor: 0 }
    expect(worthOf(model('future', { use: future }), 0)).toBe(worthOf(model('now'), 0))
    expect(used(future, 0, 0)).toEqual({ hits: 2, at: 0, floor: 0 })
  })
})

describe('evict', () => {
  const three = [
    model('used', { use: { hits: 9, at: 0, floor: 0 } }),
    model('once'),
    model('twice', { use: { hits: 2, at: 0, floor: 0 } }),
  ]
  const room = { freeBytes: 100, floor: 0, now: 0 }

  it('takes the least worth, no more than is needed, and lifts the floor to the last of it', () => {
    expect(evict(three, { ...room, wantedBytes: 100 })).toEqual({ victims: [], floor: 0, missingBytes: 0 })
    const one = evict(three, { ...room, wantedBytes: 101 })
    expect([names(one.victims), one.floor]).toEqual([['once'], 0.01])
    const two = evict(three, { ...room, wantedBytes: 1101 })
    expect([names(two.victims), two.floor]).toEqual([['once', 'twice'], 0.02])
  })

  it('never takes what must stay, and nothing at all where that would not be enough', () => {
    const kept = [{ ...three[0]!, mustStay: true }, three[1]!, { ...three[2]!, mustStay: true }]
    expect(names(evict(kept, { ...room, wantedBytes: 1100 }).victims)).toEqual(['once'])
    expect(evict(kept, { ...room, wantedBytes: 1200 })).toEqual({ victims: [], floor: 0, missingBytes: 100 })
  })
})

describe('a month of uses, with daily waves and a sudden hit', () => {
  it.each([1, 2, 3])('finds more of its bytes here than by the last or the most use (seed %i)', (seed) => {
    const trace = makeTrace({ seed })
    const total = trace.sizes.reduce((sum, size) => sum + size, 0)
    for (const part of [0.05, 0.1, 0.2, 0.4]) {
      const { gdsf, lru, lfu } = hitRatios(trace, part * total)
      expect(gdsf).toBeGreaterThan(lru)
      expect(gdsf).toBeGreaterThan(lfu)
    }
  })
})
