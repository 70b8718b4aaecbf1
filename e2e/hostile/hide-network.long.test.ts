import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands offers of nobody that claim to be the fastest', async () => {
  const { attackerCost } = await withstands('hide-network')
  expect(attackerCost.requests).toBeGreaterThan(30)
})
