/** Software GPUs compile the encoder's shaders for up to a minute; on wasm, in `npm test`, see `encoder.e2e.ts`. */
import { describe, expect, it } from 'vitest'
import { mayInstallLavapipe } from '../lavapipe/lavapipe-chromium.ts'
import { expectReferenceVectors, openEncoderTab } from './embed-on-gpu.ts'
import { NoAdapter, subgroupSize } from './engine-tab.ts'

describe('the sentence encoder on a software GPU', () => {
  it.for(['swiftshader', 'lavapipe'] as const)(
    'gives the vectors of the original within the bound on %s',
    { timeout: 300_000 },
    async (gpu, { skip }) => {
      const opening = openEncoderTab(gpu).catch((thrown: unknown) => {
        if (thrown instanceof NoAdapter && !mayInstallLavapipe) return skip(thrown.message)
        throw thrown
      })
      await using tab = await opening
      expect(await subgroupSize(tab.page)).toBe(gpu === 'lavapipe' ? 8 : 4)
      await expectReferenceVectors(tab, 'webgpu')
    },
  )
})
