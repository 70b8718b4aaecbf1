import { expect, it } from 'vitest'
import { named } from '../../state/testing/samples.ts'
import type { Machine } from '../../state/trust/services.ts'
import { distanceWords, shadeOf } from '../../ui/distance-scale.ts'
import { countWords } from './check-words.ts'
import { classRows, machineWords } from './class-words.ts'

const machine = (tail: string, adapter: string, backend: 'webgpu' | 'wasm' = 'webgpu'): Machine => ({
  ...{ provider: named(tail), says: { backend, adapter, build: 'onnxruntime-web 1.30.0' } },
  ...{ at: 0, staked: undefined },
})

it('names classes by letters, the largest first, and by what most of their machines say of themselves', () => {
  const classes = [
    [machine('dddddd', 'cpu', 'wasm')],
    [
      machine('aaaaaa', 'apple metal-3'),
      machine('bbbbbb', 'apple metal-3'),
      machine('cccccc', 'nvidia ampere'),
    ],
  ]
  expect(classRows({ classes, distances: [] })).toEqual([
    {
      ...{ at: 1, letter: 'A', machines: '3 machines' },
      says: 'WebGPU, apple metal-3; some of them say otherwise',
    },
    { at: 0, letter: 'B', says: 'CPU', machines: '1 machine' },
  ])
  const many = Array.from({ length: 28 }, () => [machine('aaaaaa', '')])
  expect(classRows({ classes: many, distances: [] }).map(({ letter }) => letter)).toEqual([
    ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    'AA',
    'AB',
  ])
  expect(machineWords({ backend: 'wasm', adapter: 'epyc' })).toBe('CPU, epyc')
})

it('draws a larger distance darker, from the same numbers to other weights', () => {
  const shades = [0, 0.0001, 0.001, 0.01, 0.1, 1, 20].map(shadeOf)
  expect(shades).toEqual(shades.toSorted((a, b) => a - b))
  expect([shades[0], shades.at(-1)]).toEqual([0, 1])
  expect([undefined, 0, 0.00001, 0.0041, 1.234].map(distanceWords)).toEqual([
    '—',
    '0',
    '<0.0001',
    '0.0041',
    '1.23',
  ])
})

it('says how many checks differed, and that it does not know where no relay counts', () => {
  expect(countWords(undefined, false).say).toBe('Asking the relays.')
  expect(countWords(undefined, true)).toMatchObject({
    figure: '—',
    say: 'No relay of this page counts checks.',
  })
  const none = { agrees: 0, differs: 0, inconclusive: 0 }
  expect(countWords({ all: none, staked: none }, true)).toMatchObject({ figure: '0', rows: [] })
  expect(countWords({ all: none, staked: none }, true).say).toMatch(/stays in your browser\.$/)
  const some = { agrees: 1284, differs: 1, inconclusive: 4 }
  const words = countWords({ all: some, staked: none }, true)
  expect(words).toMatchObject({
    figure: '1,289',
    rows: [{ who: 'all', agrees: '1,284' }, { who: 'with stake' }],
  })
  expect(words.say).toMatch(/^1 says that an answer differed: /)
})
