import { afterAll, beforeAll, describe, it } from 'vitest'
import { expectReferenceVectors, openEncoderTab } from './embed-on-gpu.ts'
import type { EngineTab } from './engine-tab.ts'

describe('the sentence encoder in a tab', () => {
  let tab: EngineTab
  beforeAll(async () => {
    tab = await openEncoderTab('swiftshader')
  })
  afterAll(() => tab?.[Symbol.asyncDispose]())

  it('gives the vectors of the original on wasm, in its worker', () => expectReferenceVectors(tab, 'wasm'))
})
