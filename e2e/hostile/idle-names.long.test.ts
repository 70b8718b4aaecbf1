import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands names that join, ask for nothing and change', async () => {
  const { attackerCost } = await withstands('idle-names')
  expect(attackerCost.sockets).toBeGreaterThan(20)
})
