import { describe, expect, it } from 'vitest'
import { busyBetween, isTooBusy } from './processor-watch.ts'

const at = (columns: string): string => `cpu  ${columns}\ncpu0 1 2 3 4 5 6 7 8 9 10\n`

describe('how busy all processors were', () => {
  it('is what was neither idle nor waiting for a disk, guests counted once', () => {
    const before = at('100 10 50 1000 40 3 7 0 5 0')
    const after = at('130 10 70 1040 60 3 7 0 35 0')
    expect(busyBetween(before, after)).toBeCloseTo(50 / 110)
  })

  it('counts what a hypervisor took as work', () => {
    expect(busyBetween(at('0 0 0 0 0 0 0 0 0 0'), at('10 0 0 50 0 0 0 40 0 0'))).toBeCloseTo(0.5)
  })

  it('is not known without the file, or without time between', () => {
    const now = at('1 2 3 4 5 6 7 8 0 0')
    expect([busyBetween(undefined, now), busyBetween(now, now), busyBetween('', now)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('marks a row above four fifths alone', () => {
    expect([undefined, 0.5, 0.8, 0.81].map(isTooBusy)).toEqual([false, false, false, true])
  })
})
