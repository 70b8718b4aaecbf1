import { describe, expect, it } from 'vitest'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { openFasterGpu } from './engine-tab.ts'

const MODEL = { id: 'infernet-tiny', dtype: 'fp32' } as const
const TOKENS = 14
const LOST_AFTER = 5

describe('a GPU that is lost in the middle of a job', () => {
  it('is replaced, and the running answers go on as if nothing had been', { timeout: 300_000 }, async () => {
    const { tokenizer } = await readTinyModel('fp32')
    const requests = ['fox', 'bear'].map((animal, i) => ({
      promptTokens: tokenizer.encodeChat([{ role: 'user', content: `Tell me a story about a ${animal}.` }]),
      sampler: { temperature: i, topP: 1 },
      maxTokens: TOKENS,
    }))
    await using tab = await openFasterGpu()
    const { page } = tab
    const whole = await page.evaluate(
      async ([model, asked]) => {
        await window.engineRoom.load({ ...model, backend: 'wasm' })
        const answers = await window.engineRoom.answer(asked)
        await window.engineRoom.close()
        return answers
      },
      [MODEL, requests] as const,
    )

    const { loadMs } = await page.evaluate(
      (model) => window.engineRoom.load({ ...model, backend: 'webgpu', isStanding: true }),
      MODEL,
    )
    const loss = await page.evaluate(([asked, after]) => window.engineRoom.answerWithLoss(asked, after), [
      requests,
      LOST_AFTER,
    ] as const)
    console.log(
      `loaded in ${Math.round(loadMs)} ms, silent for ${Math.round(loss.silenceMs)} ms after the loss`,
    )
    expect(loss.starts).toBe(2)
    expect(loss.answers.map(({ tokens }) => tokens)).toEqual(whole.map(({ tokens }) => tokens))

    const next = await page.evaluate((asked) => window.engineRoom.answer(asked), requests.slice(0, 1))
    expect(next[0]?.tokens).toEqual(whole[0]?.tokens)
  })
})
