/**
 * A model of each family on lavapipe against wasm. Each has shaders of its own to compile, which takes minutes; what
 * `npm test` runs of it stands in `gpu-decoder.e2e.ts`. SwiftShader has no half floats.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { rounds } from '#shared/testing/long-runs.ts'
import { expectSameAnswer } from './compare-family.ts'
import { openEngineTab, subgroupSize, type EngineTab } from './engine-tab.ts'

const PRECISIONS = (['q4f16', 'fp32', 'fp16', 'q4'] as const).slice(0, rounds({ short: 2, full: 4 }))
const CASES = FAMILIES.flatMap(({ family }) => PRECISIONS.map((dtype) => ({ id: family.id, dtype })))

describe('a model of each family, with random weights', () => {
  let tab: EngineTab
  beforeAll(async () => {
    tab = await openEngineTab('lavapipe')
    expect(await subgroupSize(tab.page)).toBe(8)
  })
  afterAll(() => tab?.[Symbol.asyncDispose]())

  it.each(CASES)('answers on a GPU as on wasm: $id in $dtype', { timeout: 300_000 }, ({ id, dtype }) =>
    expectSameAnswer(tab.page, id, dtype),
  )
})
