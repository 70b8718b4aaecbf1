import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands sixteen addresses that open silent WebSockets as fast as they may', async () => {
  const { attackerCost } = await withstands('paced-upgrades')
  expect(attackerCost.sockets).toBeGreaterThan(600)
})
