import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands a provider that takes jobs and only beats', async () => {
  const { attackerCost } = await withstands('only-beats')
  expect(attackerCost.requests).toBeGreaterThan(0)
})
