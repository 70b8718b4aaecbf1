import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { openEngineTab, openFasterGpu } from './engine-tab.ts'
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
const JS_SLACK = { wasm: 1 << 17, webgpu: 1 << 19 } as const
const ROUNDS = 3
/** A generation's forgotten cache of keys and values would be four times this on the GPU, 500 of them much more. */
const GPU_SLACK = 1 << 16

describe('500 generations', () => {
  it('leave what is held on wasm as it was', { timeout: 300_000 }, async () => {
    await using tab = await openEngineTab('swiftshader')
    const { before, after } = await generateOften(tab.page, 'wasm')
    expect(after.wasmBytes).toBe(before.wasmBytes)
    expect(after.jsBytes - before.jsBytes).toBeLessThan(JS_SLACK.wasm)
  })

  it('leave what is held on a GPU as it was', { timeout: 600_000 }, async () => {
    await using tab = await openFasterGpu()
    const { before, after } = await generateOften(tab.page, 'webgpu')
    expect(before.gpuBytes).toBeGreaterThan(10e6)
    expect(after.gpuBytes - before.gpuBytes).toBeLessThan(GPU_SLACK)
    expect(after.gpuBuffers - before.gpuBuffers).toBeLessThan(4)
    expect(after.jsBytes - before.jsBytes).toBeLessThan(JS_SLACK.webgpu)
  })
})

async function generateOften(
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
