import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands one gossip connection that fills the places of unknown relays', async () => {
  const { attackerCost } = await withstands('fill-directory')
  expect(attackerCost.requests).toBeGreaterThan(30)
})
