import { describe, expect, it } from 'vitest'
import { openEngineTab, openFasterGpu, subgroupSize } from './engine-tab.ts'

/** Of lavapipe's subgroups. */
const LANES = 8
const MODEL = { id: 'infernet-tiny', dtype: 'fp32' } as const

describe('a trial of the subgroups feature', () => {
  // SwiftShader's four lanes are too few for the prefill attention of onnxruntime-web 1.30.0. When this fails because
  // the feature is right there, the runtime has mended it: a reason to be glad, and to look for another wrong kernel.
  it(
    'finds it wrong on SwiftShader, names attention, and knows it the next time',
    { timeout: 600_000 },
    async () => {
      await using tab = await openEngineTab('swiftshader')
      const { page } = tab
      expect(await subgroupSize(page)).toBe(4)
      const begun = performance.now()
      const first = await page.evaluate((model) => window.engineRoom.trySubgroups(model), MODEL)
      const firstMs = performance.now() - begun
      expect(first).toMatchObject({ on: false, why: 'wrong' })
      expect(first?.operators).toContain('GroupQueryAttention')
      const second = await page.evaluate((model) => window.engineRoom.trySubgroups(model), MODEL)
      expect(second).toEqual(first)
      console.log(
        `${Math.round(firstMs)} ms with the trial, ${Math.round(performance.now() - begun - firstMs)} ms without`,
      )
    },
  )
})

describe('attention with subgroups of 8 lanes', () => {
  it('is right', { timeout: 300_000 }, async ({ skip }) => {
    await using tab = await openFasterGpu()
    if ((await subgroupSize(tab.page)) !== LANES) skip('no subgroups of 8 lanes here')
    const reports = await tab.page.evaluate(async () =>
      (await window.decoderRoom()).tryWithSubgroups('GroupQueryAttention'),
    )
    expect(reports.map(({ variant }) => variant)).toContain('prefill, heads of 32')
    expect(reports.filter(({ maxDiff, limit }) => !(maxDiff <= limit))).toEqual([])
  })
})
