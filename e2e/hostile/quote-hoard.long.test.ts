import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands names that hold quotes and use none', async () => {
  const { attackerCost } = await withstands('quote-hoard')
  expect(attackerCost.keys).toBeGreaterThan(150)
})
