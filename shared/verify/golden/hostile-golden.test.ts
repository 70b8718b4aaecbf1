import { beforeAll, describe, expect, it } from 'vitest'
import { epochMillis } from '../../base/units.ts'
import { floatToHalf } from '../../engine/score/half.ts'
import { makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { sign } from '../../wire/signed.ts'
import { calibrate, type StakedGolden } from '../calibration/calibrate.ts'
import { HARD_LIMITS } from '../calibration/hard-limits.ts'
import { sketchBytes } from '../statistics/sketch-distance.ts'
import { classesOf } from './classes-of.ts'
import { goldenDistance, openGolden, signGolden, type GoldenSketches } from './golden-sketches.ts'

const NAN = 0x7e00
const INFINITY = 0x7c00
const MINUS_INFINITY = 0xfc00
const NOW = 1_800_000_000_000

describe('a golden record that means no good', () => {
  let provider: TestPeer
  beforeAll(async () => {
    provider = await makePeer()
  })
  const recordOf = (sketches: Uint16Array, changes: Partial<GoldenSketches> = {}): GoldenSketches => ({
    ...{ model: someModel(), class: { backend: 'wasm', adapter: 'cpu', build: 'any' }, sketches },
    ...{ at: epochMillis(NOW), expiresAt: epochMillis(NOW + 1000), ...changes },
  })
  const right = Uint16Array.from({ length: 32 * 16 }, (_, i) => floatToHalf(4 * Math.sin(i)))
  const odd = [
    right.map(() => NAN),
    right.map(() => INFINITY),
    right.map((_, i) => (i % 2 ? INFINITY : MINUS_INFINITY)),
    right.with(3, NAN),
  ]

  it('has halves that are no numbers, and lies a finite and large distance from every right one', async () => {
    for (const sketches of odd) {
      const golden = await openGolden(await signGolden(recordOf(sketches), provider.key), provider.name)
      const distance = goldenDistance(golden, recordOf(right))
      expect(Number.isFinite(distance?.mean)).toBe(true)
      expect(distance?.mean).toBeGreaterThan(HARD_LIMITS.fp32.differs.sketchDistance)
      expect(distance?.largest).toBeGreaterThan(HARD_LIMITS.fp32.differs.largestSketchDistance)
    }
  })

  it('is in a class with nobody but those who say the same', async () => {
    const records = [right, right, ...odd].map((sketches, i) => ({
      ...{ provider: provider.name, golden: recordOf(sketches, { at: epochMillis(NOW + i) }) },
    }))
    const limit = HARD_LIMITS.fp16.differs.sketchDistance
    expect(classesOf(records, { within: limit }).map(({ members }) => members.length)).toEqual([
      2, 1, 1, 1, 1,
    ])
  })

  it('moves no limit beyond what the honest ones show, where three in ten are such', () => {
    const honest = Array.from({ length: 42 }, (_, i) => recordOf(right.map((half) => half + 2 * (i % 3))))
    const liars = Array.from({ length: 18 }, (_, i) => recordOf(odd[i % odd.length]!))
    const records = [...honest, ...liars].map((golden, i): StakedGolden => ({
      operator: `operator ${i}`,
      isStaked: true,
      golden,
    }))
    const farthest = goldenDistance(honest[0]!, honest[2]!)!
    const limits = calibrate(records, 'fp32')
    expect(limits?.sketchDistance).toBeLessThanOrEqual(2 * farthest.mean)
    expect(limits?.largestSketchDistance).toBeLessThanOrEqual(2 * farthest.largest)
    expect(2 * farthest.mean).toBeLessThan(HARD_LIMITS.fp32.differs.sketchDistance)
  })

  it.each<[string, object]>([
    ['a negative time', { at: -1 }],
    ['a time that is no number of milliseconds', { at: 0.5 }],
    [
      'a time beyond all calendars',
      { at: Number.MAX_SAFE_INTEGER + 1, expiresAt: Number.MAX_SAFE_INTEGER + 3 },
    ],
    ['a class of its own making', { class: { backend: 'quantum', adapter: 'x', build: 'y' } }],
    ['an adapter without end', { class: { backend: 'wasm', adapter: 'x'.repeat(61), build: 'y' } }],
    ['sketches beyond count', { sketches: new Uint8Array(7000) }],
    ['sketches of no whole token', { sketches: new Uint8Array(33) }],
    ['another field', { weight: 2 }],
  ])('is refused with %s', async (_, changes) => {
    const body = {
      ...{ model: new Uint8Array(32), class: { backend: 'wasm', adapter: 'cpu', build: 'any' } },
      ...{ sketches: sketchBytes(right), at: NOW, expiresAt: NOW + 1000, ...changes },
    }
    const signed = await sign('golden-sketches', body, provider.key)
    await expect(openGolden(signed, provider.name)).rejects.toMatchObject({ code: 'wire.malformed' })
  })
})
