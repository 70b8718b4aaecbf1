import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands a joined relay that names nobody who is there', async () => {
  const { attackerCost } = await withstands('lying-relay')
  expect(attackerCost.requests).toBeGreaterThan(15)
})
