import { expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { killOften } from '../../testing/kill-store.ts'
import { rounds } from '../../testing/long-runs.ts'
import { makeModelFile } from '../../testing/model-file.ts'

it.each([false, true])('a store survives many kills (power cut: %s)', async (cutsPower) => {
  const made = makeModelFile(9 * MIB + 777)
  const kills = rounds({ short: 100, full: 1000 })
  const seed = Math.floor(Math.random() * 2 ** 32)
  console.log(`kills of a store, power cut ${cutsPower}: seed ${seed}`)
  const { mostLost, ...end } = await killOften(made, { seed, kills, cutsPower })
  expect(end).toEqual({ kills, fetchedAgain: 0, corrupt: 0, sha256: made.file.sha256 })
  expect(mostLost).toBeLessThanOrEqual(3)
})
