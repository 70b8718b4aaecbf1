import { describe, expect, it } from 'vitest'
import { peerName } from '../base/ids.ts'
import { epochMillis } from '../base/units.ts'
import { MemoryLedgerStore } from '../settle/ledger-store.ts'
import { FREE_PRICE } from '../prompt/free-price.ts'
import type { Offer } from '../schedule/offer.ts'
import { FakeChain } from '../testing/fake-chain.ts'
import { ESCROW, PAYMENT, purseOver, someAddress, someQuote } from '../testing/payments.ts'
import { someOffer } from '../testing/peers.ts'
import { expectAsOffered, payableOffers } from './payable-offers.ts'

const offer = (changes: Partial<Offer> = {}): Offer => ({
  ...someOffer(epochMillis(1), changes),
  provider: peerName('12D3KooW'),
})
const free = offer()
const ours = offer({ payment: ESCROW })
const otherChain = offer({ payment: { ...ESCROW, chainId: 1 } })
const otherEscrow = offer({ payment: { ...ESCROW, escrow: someAddress('99') } })
const forNothing = offer({ payment: otherEscrow.payment!, price: FREE_PRICE })
const purse = purseOver(new MemoryLedgerStore(), new FakeChain())

describe('offers that can be paid', () => {
  it('are those of our escrow, and those that ask for nothing', () => {
    const { payable, refusal } = payableOffers([otherChain, free, ours, otherEscrow, forNothing], purse)
    expect(payable).toEqual([free, ours, forNothing])
    expect(refusal).toMatchObject({ code: 'payment.wrong-chain' })
  })

  it('are without a purse those that ask for nothing', () => {
    const { payable, refusal } = payableOffers([free, ours, otherChain, forNothing], undefined)
    expect(payable).toEqual([free, forNothing])
    expect(refusal).toMatchObject({ code: 'payment.required' })
  })

  it('name no refusal where all can be paid', () => {
    expect(payableOffers([free, ours], purse).refusal).toBeUndefined()
  })
})

describe('a quote', () => {
  it.each([
    ['an offer that named no payment', free],
    ['an offer on another chain', otherChain],
    ['an offer through another escrow', otherEscrow],
  ])('that asks for payment under %s is refused', (_, of) => {
    expect(() => expectAsOffered(someQuote(), of)).toThrow(
      expect.objectContaining({ code: 'payment.not-as-offered' }),
    )
  })

  it('may ask for what its offer named, or for nothing', () => {
    const { payment, ...unpaid } = someQuote(PAYMENT)
    expect(() => expectAsOffered({ ...unpaid, payment }, ours)).not.toThrow()
    for (const each of [free, ours, otherEscrow]) {
      expect(() => expectAsOffered(unpaid, each)).not.toThrow()
      expect(() => expectAsOffered({ ...unpaid, payment, price: FREE_PRICE }, each)).not.toThrow()
    }
  })
})
