import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import type { GoldenSketches } from '#shared/verify/golden/golden-sketches.ts'
import { named, TINY } from '../testing/samples.ts'
import { machineMap } from './trust-home.ts'

/** One half-precision number in all places: 0x3c00 is 1, 0x4000 is 2. */
const golden = (half: number, adapter: string): GoldenSketches => ({
  model: TINY,
  class: { backend: 'webgpu', adapter, build: 'onnxruntime-web 1.30.0' },
  sketches: new Uint16Array(32).fill(half),
  ...{ at: epochMillis(1), expiresAt: epochMillis(2) },
})
const found = (tail: string, half: number, adapter = 'apple metal-3') => ({
  ...{ provider: named(tail), golden: golden(half, adapter), staked: undefined },
})

it('puts machines into classes by their sketches alone, and says how far these lie apart', () => {
  const map = machineMap([
    found('aaaaaa', 0x3c00),
    found('bbbbbb', 0x4000),
    found('cccccc', 0x4000, 'nvidia'),
  ])
  expect(map.classes.map((machines) => machines.map(({ provider }) => provider))).toEqual([
    [named('bbbbbb'), named('cccccc')],
    [named('aaaaaa')],
  ])
  expect(map.classes[0]?.map(({ says }) => says.adapter)).toEqual(['apple metal-3', 'nvidia'])
  const [[within, apart] = [], [back, alone] = []] = map.distances
  expect(within).toBe(0)
  expect(apart).toBeGreaterThan(0.5)
  expect([back, alone]).toEqual([apart, undefined])
})

it('is empty where nobody has published anything', () => {
  expect(machineMap([])).toEqual({ classes: [], distances: [] })
})
