import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, millis } from '../base/units.ts'
import { someAddress } from '../testing/payments.ts'
import { unclaimedIn, type HeldVoucher } from './payee-ledger.ts'
import { planClaims, type ClaimPlanInit } from './plan-claims.ts'

const HOUR = 3_600_000
const NOW = epochMillis(1_800_000_000_000)

function held(worth: bigint, changes: Partial<HeldVoucher> = {}): HeldVoucher {
  return {
    voucher: {
      payer: someAddress('a1'),
      provider: someAddress('b2'),
      model: modelHash('c3'.repeat(32)),
      relay: someAddress('d4'),
      epoch: 0,
      cumulative: baseUnits(worth + 50n),
    },
    signer: someAddress('a2'),
    signature: new Uint8Array(64),
    claimed: baseUnits(50n),
    sessionExpiry: epochMillis(NOW + 100 * HOUR),
    ...changes,
  }
}

const init: ClaimPlanInit = {
  now: NOW,
  costs: { perBatch: baseUnits(30n), perVoucher: baseUnits(10n) },
  graceMs: millis(72 * HOUR),
  withdrawAtOf: () => undefined,
}

describe('a plan of claims', () => {
  it('waits until a claim brings twenty times its gas', () => {
    expect(planClaims([held(799n)], init).claims).toEqual([])
    expect(planClaims([held(800n)], init)).toMatchObject({ claims: [held(800n)], worth: 800n })
  })

  it('claims many together that would not pay alone, and leaves dust', () => {
    const each = held(250n)
    expect(planClaims([each], init).claims).toEqual([])
    const { claims } = planClaims(
      [each, each, each, each, each, each, each, each, each, each, each, each, held(199n), held(5n)],
      init,
    )
    expect(claims).toHaveLength(12)
  })

  it('claims at once what a withdrawal or the end of a session’s grace would make worthless', () => {
    const leaving = held(41n)
    expect(
      planClaims([leaving], { ...init, withdrawAtOf: () => epochMillis(NOW + 18 * HOUR) }).claims,
    ).toEqual([leaving])
    expect(
      planClaims([leaving], { ...init, withdrawAtOf: () => epochMillis(NOW + 19 * HOUR) }).claims,
    ).toEqual([])
    const ended = held(41n, { sessionExpiry: epochMillis(NOW - 54 * HOUR) })
    expect(planClaims([ended], init).claims).toEqual([ended])
  })

  it('says when it must look again', () => {
    const plan = planClaims([held(41n), held(41n, { sessionExpiry: undefined })], init)
    expect(plan.nextAt).toBe(NOW + (100 + 72 - 18) * HOUR)
    expect(planClaims([held(41n, { sessionExpiry: undefined })], init).nextAt).toBeUndefined()
  })

  it('never spends more than it gets, whatever the hurry, and never over a hundred at once', () => {
    const worths = fc.array(fc.bigInt({ min: 0n, max: 1000n }), { maxLength: 150 })
    fc.assert(
      fc.property(worths, fc.boolean(), (amounts, isClosing) => {
        const { claims, worth } = planClaims(
          amounts.map((amount) => held(amount)),
          { ...init, isClosing },
        )
        const cost = 30n + 10n * BigInt(claims.length)
        expect(claims.length <= 100).toBe(true)
        expect(claims.length === 0 || worth >= cost).toBe(true)
        expect(worth).toBe(claims.reduce((sum, each) => sum + unclaimedIn(each), 0n))
      }),
    )
  })

  it('takes everything worth its gas when the provider leaves', () => {
    expect(planClaims([held(35n), held(36n), held(9n)], { ...init, isClosing: true }).claims).toHaveLength(2)
  })
})
