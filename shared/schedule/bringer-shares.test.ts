import { expect, it } from 'vitest'
import { seededChance } from '../testing/chance.ts'
import { BringerShares } from './bringer-shares.ts'

it('knows who has most, and the newest of that, whatever comes and goes', () => {
  const chance = seededChance(14)
  const shares = new BringerShares()
  const held = new Map<string, string[]>()
  for (let step = 0; step < 5000; step++) {
    const group = `group ${Math.floor(chance() * 5)}`
    const own = held.get(group) ?? []
    held.set(group, own)
    if (chance() < 0.5 || own.length === 0) {
      const key = `${group} ${step}`
      own.push(key)
      shares.add(group, key)
      shares.add(group, key) // a second time is none
    } else {
      const [key = ''] = own.splice(Math.floor(chance() * own.length), 1)
      shares.delete(group, key)
      shares.delete(group, key)
    }
    const sizes = [...held.values()].map(({ length }) => length)
    expect(shares.largestSize).toBe(Math.max(...sizes))
    expect(shares.size).toBe(sizes.reduce((a, b) => a + b))
    expect(shares.sizeOf(group)).toBe(own.length)
    const newest = [...held.values()]
      .filter(({ length }) => length === Math.max(...sizes))
      .map((keys) => keys.at(-1))
    expect(newest).toContain(shares.newestOfLargest)
  }
  for (const [group, keys] of held) for (const key of keys) shares.delete(group, key)
  expect([shares.size, shares.largestSize, shares.newestOfLargest]).toEqual([0, 0, undefined])
})
