import { expect, it } from 'vitest'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { openEngineTab } from './engine-tab.ts'

/** Not all of it: where the machine has much else to do, frames come late by themselves. */
const ENOUGH = 0.4
const LITTLE = 0.28

it(
  'an engine at work is told a smaller share while the page is busy, and gets it back',
  { timeout: 180_000 },
  async () => {
    const { tokenizer } = await readTinyModel('fp32')
    const content = 'Tell me a story about a fox.'
    const promptTokens = tokenizer.encodeChat([{ role: 'user', content }])
    await using tab = await openEngineTab('swiftshader')
    const { quiet, busy, after } = await tab.page.evaluate(
      async ([promptTokens, wanted]) => {
        await window.engineRoom.load({ id: 'infernet-tiny', dtype: 'fp32', backend: 'wasm' })
        const request = { promptTokens, sampler: { temperature: 1, topP: 1 }, maxTokens: 200 }
        return window.engineRoom.answerWhileYielding(request, wanted)
      },
      [promptTokens, { enough: ENOUGH, little: LITTLE, patienceMs: 50_000 }] as const,
    )
    const inWords = (told: readonly number[]): string => told.map((share) => share.toFixed(2)).join(' ')
    console.log(`told ${inWords(quiet)}, busy ${inWords(busy)}, and then ${inWords(after)}`)
    expect(quiet.at(-1)).toBeGreaterThanOrEqual(ENOUGH)
    expect(busy.at(-1)).toBeLessThanOrEqual(LITTLE)
    expect(after.at(-1)).toBeGreaterThanOrEqual(ENOUGH)
    // Down at once, up step by step.
    expect(after.length).toBeGreaterThan(2)
  },
)
