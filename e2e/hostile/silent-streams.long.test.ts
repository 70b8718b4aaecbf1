import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands streams that are held in silence', async () => {
  const { attackerCost } = await withstands('silent-streams')
  expect(attackerCost.streams).toBeGreaterThan(20)
})
