import { expect, it } from 'vitest'
import { baseUnits, epochMillis } from '../base/units.ts'
import { someAddress } from '../testing/payments.ts'
import { offerOf } from './claim-offer.ts'
import type { HeldVoucher } from './payee-ledger.ts'

const payer = someAddress('a1')
const key = someAddress('b2')
const account = { balance: baseUnits(50n), withdrawAt: epochMillis(9) }
const pays = baseUnits(7n)

function heldOf(signer: typeof payer): HeldVoucher {
  return { voucher: { payer }, signer, sessionExpiry: undefined } as HeldVoucher
}

it('asks for no session where the payer signed itself', async () => {
  const session = () => Promise.reject(new Error('asked'))
  const held = heldOf(payer)
  expect(await offerOf({ session }, held, account, pays)).toEqual({
    ...account,
    ...{ held, pays, sessionLeft: undefined },
  })
})

it.each([
  [30n, 10n, 20n],
  [30n, 30n, 0n],
  [10n, 30n, 0n],
])('leaves of a session of %s with %s spent: %s, and takes its end of now', async (cap, spent, left) => {
  const asked: unknown[] = []
  const session = async (...of: unknown[]) => {
    asked.push(of)
    return { cap: baseUnits(cap), spent: baseUnits(spent), expiry: epochMillis(77) }
  }
  const offer = await offerOf({ session }, heldOf(key), account, pays)
  expect(offer).toMatchObject({ held: { sessionExpiry: 77 }, sessionLeft: left, pays })
  expect(asked).toEqual([[payer, key]])
})
