import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands a joined relay that answers after ten seconds', async () => {
  const { attackerCost } = await withstands('slow-relay')
  expect(attackerCost.requests).toBeGreaterThan(0)
})
