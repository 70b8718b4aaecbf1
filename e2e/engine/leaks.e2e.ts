import { describe, expect, it } from 'vitest'
import { openEngineTab } from './engine-tab.ts'
import { generateOften, JS_SLACK } from './generate-often.ts'

// `leaks.long.e2e.ts` has the GPU.
describe('500 generations', () => {
  it('leave what is held on wasm as it was', { timeout: 300_000 }, async () => {
    await using tab = await openEngineTab('swiftshader')
    const { before, after } = await generateOften(tab.page, 'wasm')
    expect(after.wasmBytes).toBe(before.wasmBytes)
    expect(after.jsBytes - before.jsBytes).toBeLessThan(JS_SLACK.wasm)
  })
})
