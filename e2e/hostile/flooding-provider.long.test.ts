import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands providers that flood whoever asks with heartbeats', async () => {
  const { attackerCost } = await withstands('flooding-provider')
  expect(attackerCost.streams).toBeGreaterThan(0)
})
