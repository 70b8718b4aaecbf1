import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands thousands of half requests from one address', async () => {
  const { attackerCost } = await withstands('half-requests')
  expect(attackerCost.sockets).toBeGreaterThan(600)
})
