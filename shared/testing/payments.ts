import { chainAddress, jobId, modelHash, type ChainAddress } from '../base/ids.ts'
import { baseUnits, epochMillis, millis, tokens } from '../base/units.ts'
import type { QuotePayment } from '../prompt/prompt.ts'
import { createChainSigner } from '../settle/chain-signature.ts'
import { MemoryLedgerStore, type LedgerStore } from '../settle/ledger-store.ts'
import { PayeeCredit, type PayeeCreditComponents } from '../settle/payee-credit.ts'
import { PayeeLedger } from '../settle/payee-ledger.ts'
import { PayerCredit, type PayerCreditComponents } from '../settle/payer-credit.ts'
import { PayerLedger } from '../settle/payer-ledger.ts'
import type { EscrowId } from '../settle/voucher.ts'
import type { CreditTerms } from '../stream/credit.ts'
import type { FakeChain } from './fake-chain.ts'
import { pricePerToken } from './prices.ts'
import { realClock } from './real-clock.ts'

/** An address of one repeated byte. */
export function someAddress(digits: string): ChainAddress {
  return chainAddress(`0x${digits.repeat(20)}`)
}

export const ESCROW: EscrowId = { chainId: 31337, escrow: someAddress('e5') }
export const STAKE = someAddress('57')
export const PAYER = someAddress('a1')
export const RELAY = someAddress('d4')
/** The session's key, authorised by {@link PAYER} once a test says so. */
export const sessionKey = createChainSigner(new Uint8Array(32).fill(1))
/** The provider's own key. */
export const operatorKey = createChainSigner(new Uint8Array(32).fill(2))

export const PAYMENT: QuotePayment = {
  ...ESCROW,
  operator: operatorKey.address,
  relay: RELAY,
  binding: new Uint8Array(64),
}

const PRICE = pricePerToken(1n, 10n)

/** A paid job of three prompt tokens, changed at will. */
export function someTerms({
  name = 1,
  ...changes
}: Partial<CreditTerms> & { name?: number } = {}): CreditTerms {
  const { quote, ...rest } = changes
  return {
    jobId: jobId(name.toString(16).padStart(32, '0')),
    price: PRICE,
    prefillTokens: tokens(3),
    from: 0,
    consumer: `12D3KooW${'A'.repeat(44)}` as CreditTerms['consumer'],
    maxTokens: 500,
    quote: quote ?? someQuote(),
    ...rest,
  }
}

export function someQuote(payment: QuotePayment | undefined = PAYMENT): CreditTerms['quote'] {
  return {
    quoteId: jobId('0'.repeat(32)),
    model: modelHash('c3'.repeat(32)),
    consumer: `12D3KooW${'A'.repeat(44)}` as CreditTerms['consumer'],
    price: PRICE,
    queueMs: millis(0),
    prefillTokensPerSecond: 1,
    decodeTokensPerSecond: 1,
    nonceHash: new Uint8Array(32),
    payment,
    issuedAt: epochMillis(0),
    expiresAt: epochMillis(1),
  }
}

/** A store of its own, for tests of the stages before `settle`. */
export function emptyLedgers(): LedgerStore {
  return new MemoryLedgerStore()
}

/** A purse over a store, as a page makes it. */
export function purseOver(
  store: LedgerStore,
  chain: FakeChain,
  changes: Partial<PayerCreditComponents> & { maxJobCost?: bigint } = {},
): PayerCredit {
  const { maxJobCost = 1_000_000n, ...components } = changes
  return new PayerCredit(
    {
      clock: realClock,
      escrow: ESCROW,
      stake: STAKE,
      payer: PAYER,
      signer: sessionKey,
      chain,
      ledger: new PayerLedger(store, ESCROW, components.payer ?? PAYER),
      ...components,
    },
    { maxJobCost: baseUnits(maxJobCost) },
  )
}

/** A till over a store, as a provider makes it at its start. */
export async function tillOver(
  store: LedgerStore,
  chain: FakeChain,
  changes: Partial<PayeeCreditComponents> = {},
): Promise<{ till: PayeeCredit; ledger: PayeeLedger }> {
  const ledger = await PayeeLedger.load(store, ESCROW, operatorKey.address)
  const components = { clock: realClock, escrow: ESCROW, chain, ledger, signer: operatorKey, ...changes }
  return { till: new PayeeCredit(components), ledger }
}
