import { expect, it } from 'vitest'
import { withstands } from './withstand.ts'

it('withstands addresses that begin TLS handshakes and finish none', async () => {
  const { attackerCost } = await withstands('silent-tls')
  expect(attackerCost.sockets).toBeGreaterThan(2000)
})
