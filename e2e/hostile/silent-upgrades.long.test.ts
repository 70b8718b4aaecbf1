import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands hundreds of WebSockets that never join, from twenty addresses', async () => {
  const { attackerCost } = await withstands('silent-upgrades')
  expect(attackerCost.sockets).toBeGreaterThan(600)
})
