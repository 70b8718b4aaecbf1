import { expect, it } from 'vitest'
import { MIB } from '../base/units.ts'
import { textLimit } from './text-limit.ts'

const memory = { cacheBytesPerToken: 229_376 }

it.each([
  ['the model', { contextLength: 2048 }, undefined, 2048],
  ['the wire', { contextLength: 131_072 }, undefined, 32_768],
  ['the memory for the cache', { contextLength: 40_960, memory }, 256 * MIB, 1170],
  ['more memory', { contextLength: 40_960, memory }, 1024 * MIB, 4681],
  ['the model, where the memory would hold more', { contextLength: 512, memory }, 256 * MIB, 512],
  ['the least that is of use', { contextLength: 40_960, memory }, MIB, 1024],
  ['the model, where that is less than is of use', { contextLength: 64, memory }, MIB, 64],
  ['the model and the wire, for who only asks', { contextLength: 40_960, memory }, undefined, 32_768],
])('a text is as long as %s allows', (_, model, cacheBytes, expected) => {
  expect(textLimit(model, cacheBytes)).toBe(expected)
})
