import type { Page } from 'playwright'
import { expect } from 'vitest'
import type { Dtype } from '#shared/models/manifest.ts'

const COUNT = 3
/** In parts of a logit: devices add up in different orders, and half floats end at the third digit (9e-3 was seen). */
const TOLERANCE: Readonly<Record<Dtype, number>> = { fp32: 1e-3, q4: 1e-3, fp16: 0.02, q4f16: 0.02 }

/** A short answer of a model of that family with random weights, on the GPU of the page and on wasm. */
export async function expectSameAnswer(page: Page, family: string, dtype: Dtype): Promise<void> {
  const [onWasm, onGpu] = await page.evaluate(
    async ([family, dtype, count]) => {
      const room = await window.decoderRoom()
      const answer = (backend: 'wasm' | 'webgpu') =>
        room.answerAs(family, dtype, backend, { count, picking: 'all logits' })
      return [await answer('wasm'), await answer('webgpu')] as const
    },
    [family, dtype, COUNT] as const,
  )
  expect(onGpu.tokens).toHaveLength(COUNT)
  expect(onGpu.tokens).toEqual(onWasm.tokens)
  const differences = onGpu.logits.map((logit, i) => Math.abs(logit / (onWasm.logits[i] ?? NaN) - 1))
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE[dtype])
}
