import { describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { killOften } from '../../testing/kill-store.ts'
import { makeModelFile } from '../../testing/model-file.ts'

const made = makeModelFile(5 * MIB + 777)

describe('a store that is killed in the middle of its writes', () => {
  it.each([false, true])(
    'loses no more than was under way, and holds nothing wrong (power cut: %s)',
    async (cutsPower) => {
      const { mostLost, ...end } = await killOften(made, { seed: 12, kills: 20, cutsPower })
      expect(end).toEqual({ kills: 20, fetchedAgain: 0, corrupt: 0, sha256: made.file.sha256 })
      expect(mostLost).toBeLessThanOrEqual(3)
    },
  )
})
