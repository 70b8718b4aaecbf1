import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands addresses that hold every place at the relay', async () => {
  const { attackerCost } = await withstands('fill-places')
  expect(attackerCost.places).toBeGreaterThan(200)
})
