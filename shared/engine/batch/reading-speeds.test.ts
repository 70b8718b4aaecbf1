import { describe, expect, it } from 'vitest'
import { ReadingSpeeds } from './reading-speeds.ts'

function speedsAfter(jointMs: number, runs: number): ReadingSpeeds {
  const speeds = new ReadingSpeeds()
  for (let i = 0; i < runs; i++) {
    // The first of each compiles.
    speeds.note(1, 20, i === 0 ? 900 : 10)
    speeds.note(4, 20 + i, i === 0 ? 900 : jointMs)
  }
  return speeds
}

describe('ReadingSpeeds', () => {
  it('says no where several at once were slower than one after the other, after some runs of both', () => {
    expect(speedsAfter(60, 2).isJointFaster(20)).toBe(true)
    expect(speedsAfter(60, 3).isJointFaster(20)).toBe(false)
    expect(speedsAfter(30, 3).isJointFaster(20)).toBe(true)
  })

  it('has several tried first, and then one alone', () => {
    const speeds = new ReadingSpeeds()
    for (let i = 0; i < 3; i++) {
      expect(speeds.isJointFaster(20)).toBe(true)
      speeds.note(4, 20, 20)
    }
    for (let i = 0; i < 3; i++) {
      expect(speeds.isJointFaster(20)).toBe(false)
      speeds.note(1, 20, 20)
    }
    expect(speeds.isJointFaster(20)).toBe(true)
  })

  it('judges lengths of another power of two for themselves', () => {
    expect(speedsAfter(60, 3).isJointFaster(31)).toBe(false)
    expect(speedsAfter(60, 3).isJointFaster(32)).toBe(true)
    expect(speedsAfter(60, 3).isJointFaster(8)).toBe(true)
  })
})
