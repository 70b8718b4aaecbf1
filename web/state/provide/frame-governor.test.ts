import { describe, expect, it } from 'vitest'
import { createFrameGovernor, type FrameGovernor } from './frame-governor.ts'

/** Draws for `seconds`; each frame takes what `spanOf` says of the share at that moment. */
function draw(governor: FrameGovernor, seconds: number, spanOf: (share: number) => number, from = 0): number {
  let at = from
  while (at - from < seconds * 1000) {
    at += spanOf(governor.share)
    governor.frame(at)
  }
  return at
}

describe('createFrameGovernor', () => {
  it.each([8.3, 16.7, 33.3, 100])(
    'lets the engine have everything while frames take their even %d ms',
    (ms) => {
      const governor = createFrameGovernor()
      draw(governor, 10, () => ms)
      expect(governor.share).toBe(1)
    },
  )

  it('yields within a second or two when frames begin to come late, and gives back slowly', () => {
    const governor = createFrameGovernor()
    let at = draw(governor, 3, () => 16.7)
    at = draw(governor, 2, () => 50, at)
    const low = governor.share
    expect(low).toBeLessThan(0.4)
    at = draw(governor, 2, () => 16.7, at)
    expect(governor.share).toBeGreaterThan(low)
    expect(governor.share).toBeLessThan(0.7)
    draw(governor, 12, () => 16.7, at)
    expect(governor.share).toBe(1)
  })

  it('finds the share that the page can stand', () => {
    const governor = createFrameGovernor()
    const at = draw(governor, 2, () => 16.7)
    // An engine that takes more than 60 % makes each second frame miss its turn.
    let odd = false
    const shares: number[] = []
    draw(
      governor,
      60,
      (share) => {
        shares.push(share)
        odd = !odd
        return share > 0.6 && odd ? 33.4 : 16.7
      },
      at,
    )
    const settled = shares.slice(shares.length / 2)
    const mean = settled.reduce((sum, share) => sum + share, 0) / settled.length
    expect(mean).toBeGreaterThan(0.4)
    expect(mean).toBeLessThan(0.65)
  })

  it('gives the share back where the page is slow whatever the engine does', () => {
    const governor = createFrameGovernor()
    let at = draw(governor, 3, () => 16.7)
    at = draw(governor, 10, () => 60, at)
    expect(governor.share).toBeLessThan(0.3)
    draw(governor, 80, () => 60, at)
    expect(governor.share).toBe(1)
  })

  it('is not moved by a single late frame, nor by the pause of a hidden tab', () => {
    const governor = createFrameGovernor()
    const at = draw(governor, 3, () => 16.7)
    governor.frame(at + 90)
    draw(governor, 1, () => 16.7, at + 90)
    expect(governor.share).toBe(1)
    governor.rest()
    draw(governor, 1, () => 16.7, at + 600_000)
    expect(governor.share).toBe(1)
  })

  it('takes one frame of two seconds for what it is', () => {
    const governor = createFrameGovernor()
    const at = draw(governor, 3, () => 16.7)
    governor.frame(at + 2000)
    expect(governor.share).toBe(0.7)
  })

  it('never takes everything from the engine', () => {
    const governor = createFrameGovernor()
    const at = draw(governor, 3, () => 16.7)
    draw(governor, 20, () => 80, at)
    expect(governor.share).toBe(0.2)
  })
})
