import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands offers of nobody by gossip of an unknown relay', async () => {
  const { attackerCost } = await withstands('hide-by-gossip')
  expect(attackerCost.requests).toBeGreaterThan(30)
})
