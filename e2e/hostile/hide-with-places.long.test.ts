import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands offers of names with a place at the relay that answer nothing', async () => {
  const { attackerCost } = await withstands('hide-with-places')
  expect(attackerCost.requests).toBeGreaterThan(30)
})
