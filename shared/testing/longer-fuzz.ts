/**
 * Set-up of the project `long-fuzz`: the same tests as in `npm test`, with that many times more runs of each property, and
 * from a seed of its own at each run. `npm run test:long` prints the seed; given again it draws the same.
 */
import type * as FastCheck from 'fast-check'
import { afterEach, beforeEach, vi } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** False where a test drew nothing, so that it is the same as in `npm test` and not to be counted again. */
    hasDrawn?: boolean
  }
}

const times = Number(process.env['INFERNET_FUZZ_TIMES'] ?? 1)
const seed = Number(process.env['INFERNET_FUZZ_SEED'] ?? Date.now())

let hasDrawn = false
beforeEach(() => {
  hasDrawn = false
})
afterEach(({ task }) => {
  task.meta.hasDrawn = hasDrawn
})

vi.mock('fast-check', async (original) => {
  const real = await original<typeof FastCheck>()
  const assert = ((property: FastCheck.IRawProperty<unknown>, params?: FastCheck.Parameters<unknown>) => {
    hasDrawn = true
    return real.assert(property, { seed, ...params, numRuns: (params?.numRuns ?? 100) * times })
  }) as typeof real.assert
  return { ...real, assert, default: { ...real.default, assert } }
})
