import type { Page } from 'playwright'
import { expect } from 'vitest'
import type { Memory } from './page/memory.ts'
import type { RoomRequest } from './page/engine-room.ts'

const GENERATIONS = 500
const AT_ONCE = 8
/** Before the first look: shaders, the pools of ORT and the code of V8 fill. Cheap on wasm, so that it stands still. */
const WARM_UP = { wasm: 500, webgpu: 104 } as const

/**
 * From one look to the next, with no leak, it moves by less than a tenth (wasm) or by what V8 still compiles (GPU). What
 * V8 compiles late comes once: a leak grows in every round, so the round in which least was added counts.
 */
export const JS_SLACK = { wasm: 1 << 17, webgpu: 1 << 19 } as const
const ROUNDS = 3

/** What is held before and after 500 generations. */
export async function generateOften(
  page: Page,
  backend: 'wasm' | 'webgpu',
): Promise<{ before: Memory; after: Memory }> {
  await page.evaluate(
    (backend) => window.engineRoom.load({ id: 'infernet-tiny', dtype: 'fp32', backend }),
    backend,
  )
  await generate(page, WARM_UP[backend])
  let before = await page.evaluate(() => window.engineRoom.memory())
  for (let round = 1; ; round++) {
    await generate(page, GENERATIONS)
    const after = await page.evaluate(() => window.engineRoom.memory())
    console.log(`${backend}: before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`)
    if (round === ROUNDS || after.jsBytes - before.jsBytes < JS_SLACK[backend]) return { before, after }
    before = after
  }
}

/** Short prompts of several lengths, some abandoned in the middle, eight at a time so that rows join and leave. */
async function generate(page: Page, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const requests = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i): RoomRequest => ({
      promptTokens: Array.from({ length: 1 + ((done + i) % 5) }, (_, at) => 40 + at),
      sampler: { temperature: i % 2, topP: 1 },
      maxTokens: 2 + (i % 2),
      ...(i === 3 ? { leaveAfter: 1 } : {}),
    }))
    const answers = await page.evaluate((asked) => window.engineRoom.answer(asked), requests)
    expect(answers.every(({ tokens }) => tokens.length > 0)).toBe(true)
  }
}
