import { describe, expect, it } from 'vitest'
import { openFasterGpu } from './engine-tab.ts'
import { generateOften, JS_SLACK } from './generate-often.ts'

/** A generation's forgotten cache of keys and values would be four times this on the GPU, 500 of them much more. */
const GPU_SLACK = 1 << 16

describe('500 generations', () => {
  it('leave what is held on a GPU as it was', { timeout: 600_000 }, async () => {
    await using tab = await openFasterGpu()
    const { before, after } = await generateOften(tab.page, 'webgpu')
    expect(before.gpuBytes).toBeGreaterThan(10e6)
    expect(after.gpuBytes - before.gpuBytes).toBeLessThan(GPU_SLACK)
    expect(after.gpuBuffers - before.gpuBuffers).toBeLessThan(4)
    expect(after.jsBytes - before.jsBytes).toBeLessThan(JS_SLACK.webgpu)
  })
})
