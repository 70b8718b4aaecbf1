/**
 * By hand: `INFERNET_FAMILIES=1 npx vitest run --project e2e e2e/engine/families.e2e.ts`. Every family in every precision
 * on lavapipe against wasm takes minutes, because each has shaders of its own to compile; what `npm test` runs of it
 * stands in `gpu-decoder.e2e.ts`. SwiftShader has no half floats.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { expectSameAnswer } from './compare-family.ts'
import { openEngineTab, subgroupSize, type EngineTab } from './engine-tab.ts'

const CASES = FAMILIES.flatMap(({ family }) =>
  (['fp32', 'fp16', 'q4', 'q4f16'] as const).map((dtype) => ({ id: family.id, dtype })),
)

describe.skipIf(!process.env['INFERNET_FAMILIES'])('a model of each family, with random weights', () => {
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
