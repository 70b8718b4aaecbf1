import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands jobs on which as many heartbeats come as the stream takes', async () => {
  const { attackerCost } = await withstands('heartbeat-flood')
  expect(attackerCost.streams).toBeGreaterThan(20)
})
