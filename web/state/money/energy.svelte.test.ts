import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { dollarsInAsset, Energy } from './energy.svelte.ts'

function counting(settings = new Map<string, string>(), clock = new FakeClock()) {
  const load = { isBusy: false, backend: 'webgpu' as 'webgpu' | 'wasm' }
  const store = {
    get: (name: string) => settings.get(name),
    set: (name: string, value: string) => void settings.set(name, value),
  }
  const energy = new Energy({ clock, settings: store }, () => load)
  energy.start()
  return { energy, load, clock, settings }
}

it('counts the power only while something is computed', async () => {
  const { energy, load, clock } = counting()
  await clock.advance(360_000)
  expect(energy.kwhOf(1)).toBe(0)
  load.isBusy = true
  energy.watts = 1000
  await clock.advance(360_000)
  expect(energy.kwhOf(1)).toBeCloseTo(0.1, 3)
  expect(energy.costOf(1)).toBeCloseTo(0.03, 3)
})

it('keeps the days over a reload, and forgets what is no day', async () => {
  const clock = new FakeClock()
  const first = counting(new Map(), clock)
  first.load.isBusy = true
  await clock.advance(60_000)
  first.energy.stop()
  const again = counting(first.settings, clock)
  expect(again.energy.kwhOf(7)).toBeCloseTo(first.energy.kwhOf(7), 9)
  for (const odd of ['{', 'null', '[]', '{"x":1,"20000":-5,"20001":"7"}'])
    expect(counting(new Map([['energy.days', odd]])).energy.kwhOf(31), odd).toBe(0)
})

it('takes no price and no power that cannot be', () => {
  const { energy } = counting()
  for (const odd of [Number.NaN, -1, Infinity, 1e9]) {
    energy.pricePerKwh = odd
    energy.watts = odd
  }
  expect([energy.pricePerKwh, energy.watts]).toEqual([0.3, 60])
})

it('says a price in the asset only where somebody has said what a unit is worth', () => {
  expect(dollarsInAsset(0.93, 18, 0.01)).toBe(93n * 10n ** 18n)
  expect(dollarsInAsset(0.5, 6, 1)).toBe(500_000n)
  expect([dollarsInAsset(1, 18, undefined), dollarsInAsset(1, 18, 0)]).toEqual([undefined, undefined])
})
