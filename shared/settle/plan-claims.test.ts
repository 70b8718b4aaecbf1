import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, millis } from '../base/units.ts'
import { someAddress } from '../testing/payments.ts'
import { MAX_CHAIN_AMOUNT } from './constants.ts'
import { unclaimedIn, type HeldVoucher } from './payee-ledger.ts'
import type { ClaimOffer } from './claim-offer.ts'
import { planClaims, type ClaimPlanInit } from './plan-claims.ts'

const HOUR = 3_600_000
const NOW = epochMillis(1_800_000_000_000)
const PAYER = someAddress('a1')

function held(worth: bigint, changes: Partial<HeldVoucher> = {}): HeldVoucher {
  return {
    voucher: {
      payer: PAYER,
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

/** A voucher that nothing limits, unless the test says so: pays what it says. */
function offer(
  worth: bigint,
  { who, ...changes }: Partial<ClaimOffer> & { who?: Partial<HeldVoucher['voucher']> } = {},
): ClaimOffer {
  const plain = changes.held ?? held(worth)
  const whole = { ...plain, voucher: { ...plain.voucher, ...who } }
  return {
    ...{ pays: baseUnits(worth), balance: baseUnits(MAX_CHAIN_AMOUNT), sessionLeft: undefined },
    ...{ dailyLeft: baseUnits(MAX_CHAIN_AMOUNT), payerDailyLeft: undefined, withdrawAt: undefined },
    ...changes,
    held: whole,
  }
}

const init: ClaimPlanInit = {
  now: NOW,
  costs: { perBatch: baseUnits(30n), perVoucher: baseUnits(10n) },
  graceMs: millis(72 * HOUR),
}
/** As a relay plans: 200 is what a voucher must bring. */
const carrying: ClaimPlanInit = { ...init, costs: { perBatch: baseUnits(0n), perVoucher: baseUnits(10n) } }

const claimsOf = (offers: readonly ClaimOffer[], changes: Partial<ClaimPlanInit> = {}) =>
  planClaims(offers, { ...init, ...changes }).claims.map((each) => each.offer)

describe('a plan of claims', () => {
  it('waits until a claim brings twenty times its gas', () => {
    const [less, enough] = [offer(799n), offer(800n)]
    expect(claimsOf([less])).toEqual([])
    expect(planClaims([enough], init)).toMatchObject({ claims: [{ offer: enough, pays: 800n }], worth: 800n })
  })

  it('claims many together that would not pay alone, and leaves dust', () => {
    expect(claimsOf([offer(250n)])).toEqual([])
    const many = Array.from({ length: 12 }, () => offer(250n))
    expect(claimsOf([...many, offer(199n), offer(5n)])).toHaveLength(12)
  })

  it('claims at once what a withdrawal or the end of a session’s grace would make worthless', () => {
    const leaving = offer(41n, { withdrawAt: epochMillis(NOW + 18 * HOUR) })
    expect(claimsOf([leaving])).toEqual([leaving])
    expect(claimsOf([offer(41n, { withdrawAt: epochMillis(NOW + 19 * HOUR) })])).toEqual([])
    const ended = offer(41n, { held: held(41n, { sessionExpiry: epochMillis(NOW - 54 * HOUR) }) })
    expect(claimsOf([ended])).toEqual([ended])
  })

  it('says when it must look again', () => {
    const endless = offer(41n, { held: held(41n, { sessionExpiry: undefined }) })
    expect(planClaims([offer(41n), endless], init).nextAt).toBe(NOW + (100 + 72 - 18) * HOUR)
    expect(planClaims([endless], init).nextAt).toBeUndefined()
  })

  it('never spends more than it gets, whatever the hurry, and never over a hundred at once', () => {
    const worths = fc.array(fc.bigInt({ min: 0n, max: 1000n }), { maxLength: 150 })
    fc.assert(
      fc.property(worths, fc.boolean(), (amounts, isClosing) => {
        const { claims, worth } = planClaims(
          amounts.map((amount) => offer(amount)),
          { ...init, isClosing },
        )
        const cost = 30n + 10n * BigInt(claims.length)
        expect(claims.length <= 100).toBe(true)
        expect(claims.length === 0 || worth >= cost).toBe(true)
        expect(worth).toBe(claims.reduce((sum, each) => sum + unclaimedIn(each.offer.held), 0n))
      }),
    )
  })

  it('takes everything worth its gas when the provider leaves', () => {
    expect(claimsOf([offer(35n), offer(36n), offer(9n)], { isClosing: true })).toHaveLength(2)
  })
})

describe('what vouchers share', () => {
  it('takes of a provider what its day leaves, and the rest on another day', () => {
    const dailyLeft = baseUnits(50_000n)
    const twelve = Array.from({ length: 12 }, () => offer(10_000n, { dailyLeft }))
    const other = offer(2000n, { who: { provider: someAddress('b3') } })
    const { claims, worth, leftOut } = planClaims([...twelve, other], carrying)
    expect([claims.length, worth]).toEqual([6, 52_000n])
    expect([...leftOut.values()]).toEqual(Array.from({ length: 7 }, () => 'over-cap'))
  })

  it('takes of a payer what its day leaves to all providers without stake, and nothing less of those with', () => {
    const payerDailyLeft = baseUnits(40_000n)
    const six = Array.from({ length: 6 }, (_, i) =>
      offer(10_000n, { payerDailyLeft, who: { provider: someAddress(`b${i}`) } }),
    )
    const staked = offer(3000n, { who: { provider: someAddress('b9') } })
    const { claims, worth, leftOut } = planClaims([...six, staked], carrying)
    expect([claims.length, worth]).toEqual([5, 43_000n])
    expect([...leftOut.values()]).toEqual(['over-cap', 'over-cap'])
  })

  it('takes a part of a voucher that is larger than the day', () => {
    const large = offer(120_000n, { pays: baseUnits(50_000n), dailyLeft: baseUnits(50_000n) })
    expect(planClaims([large], carrying).claims).toEqual([{ offer: large, pays: 50_000n }])
    const used = offer(120_000n, { pays: baseUnits(0n), dailyLeft: baseUnits(0n) })
    expect([...planClaims([used], carrying).leftOut.values()]).toEqual(['over-cap'])
  })

  it('goes by what the chain pays, whatever a voucher says', () => {
    const empty = { pays: baseUnits(1n), balance: baseUnits(1n), who: { payer: someAddress('e5') } }
    const boasts = Array.from({ length: 112 }, () => offer(MAX_CHAIN_AMOUNT - 50n, empty))
    const honest = offer(200n)
    const { claims, leftOut } = planClaims([...boasts, honest], carrying)
    expect(claims).toEqual([{ offer: honest, pays: 200n }])
    expect(new Set(leftOut.values())).toEqual(new Set(['worthless']))
  })

  it('counts a payer’s balance, and a session’s cap, once', () => {
    const short = baseUnits(300n)
    const payer = [1, 2, 3].map(() => offer(300n, { balance: short }))
    expect(claimsOf(payer, carrying)).toHaveLength(1)
    const session = [1, 2, 3].map(() => offer(300n, { sessionLeft: short }))
    expect(claimsOf(session, carrying)).toHaveLength(1)
    const waiting = [1, 2].map(() => offer(150n, { balance: baseUnits(150n) }))
    expect([...planClaims(waiting, carrying).leftOut.values()]).toEqual(['waiting', 'worthless'])
  })

  it('never plans more than day, balance and session hold, nor less than is worth it', () => {
    const amount = fc.bigInt({ min: 0n, max: 2000n })
    const digit = fc.integer({ min: 0, max: 3 })
    const sums = (claims: ReturnType<typeof planClaims>['claims'], by: (each: ClaimOffer) => string) => {
      const all = new Map<string, bigint>()
      for (const { offer: each, pays } of claims) all.set(by(each), (all.get(by(each)) ?? 0n) + pays)
      return all
    }
    // Of each payer and provider the chain has one word.
    const whole = fc.tuple(
      fc.array(amount, { minLength: 4, maxLength: 4 }),
      fc.array(amount, { minLength: 4, maxLength: 4 }),
      fc.array(amount, { minLength: 4, maxLength: 4 }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, digit, digit), { maxLength: 40 }),
        whole,
        (lines, [balances, days, payerDays]) => {
          const offers = lines.map(([face, p, q]) => {
            const balance = baseUnits(balances[p] ?? 0n)
            const dailyLeft = baseUnits(days[q] ?? 0n)
            const payerDailyLeft = baseUnits(payerDays[p] ?? 0n)
            const least = [face, balance, dailyLeft, payerDailyLeft].reduce((a, b) => (a < b ? a : b))
            const who = { payer: someAddress(`a${p}`), provider: someAddress(`b${q}`) }
            return offer(face, { pays: baseUnits(least), balance, dailyLeft, payerDailyLeft, who })
          })
          const { claims } = planClaims(offers, carrying)
          offers.forEach((each) => {
            const { payer, provider } = each.held.voucher
            const paid = sums(claims, ({ held: { voucher } }) => voucher.payer).get(payer) ?? 0n
            const dayed = sums(claims, ({ held: { voucher } }) => voucher.provider).get(provider) ?? 0n
            expect(paid <= each.balance && dayed <= each.dailyLeft).toBe(true)
            expect(paid <= (each.payerDailyLeft ?? 0n)).toBe(true)
          })
          for (const { pays } of claims) expect(pays >= 200n).toBe(true)
          const isLeft = offers.some(({ pays }) => pays >= 200n)
          expect(claims.length > 0).toBe(isLeft)
        },
      ),
    )
  })
})
