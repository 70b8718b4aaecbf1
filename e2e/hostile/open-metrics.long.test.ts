import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it("withstands whoever reads the relay's figures through its proxy", async () => {
  const { attackerCost } = await withstands('open-metrics')
  expect(attackerCost.requests).toBeGreaterThan(50)
})
