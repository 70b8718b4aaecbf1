import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type ChainAddress, type PeerName } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { epochMillis, millis, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { signerOf } from '#shared/chain/key-vault.ts'
import type { ProbeMoney, ProbePurse } from '#shared/client/ask-probe.ts'
import type { Payer } from '#shared/peer/payer.ts'
import type { OfferPayment } from '#shared/schedule/offer.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import { PayerCredit } from '#shared/settle/payer-credit.ts'
import { PayerLedger } from '#shared/settle/payer-ledger.ts'
import type { EscrowId } from '#shared/settle/voucher.ts'
import { MAX_AUDITED } from '#shared/verify/audit/constants.ts'
import type { Logger } from '../../observe/log.ts'
import { FILL_WITHIN_MS, MAX_OPEN, MAX_OUT, SESSION_MARGIN_MS, TEND_EVERY_MS } from './constants.ts'
import type { PurseChain, PurseKeys } from './purse-chain.ts'
import { PurseRecords, type PurseRecord } from './purse-records.ts'
import type { SpendBudget } from './spend-budget.ts'

/** What one probe pays with. */
export interface Purse extends ProbePurse {
  /** A verifier was paid with it, and so knows it for an auditor's: it asks nobody any more. */
  isKnown(): Promise<void>
}

export interface PursesComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly store: LedgerStore
  readonly chain: Pick<PurseChain, 'keysOf' | 'fill' | 'takeBack' | 'stop'>
  readonly view: ChainView
  readonly budget: SpendBudget
}

export interface PursesInit {
  readonly escrow: EscrowId
  readonly stake: ChainAddress
  /** What a purse may hold, in base units. */
  readonly deposits: readonly bigint[]
  readonly maxJobCost: bigint
  /** @default FILL_WITHIN_MS */
  readonly fillWithinMs?: number | undefined
}

/**
 * The accounts that probes are paid from. A provider sees who pays it and from which deposit, and a published verdict
 * tells it which job was a probe: so no purse ever pays the same operator in two probes. Making one for each probe would
 * take five transactions each time. So each is filled once, at a time that chance chooses, lives for a day as a page's
 * session does, and pays each operator once; what is left of it is fetched after the escrow's grace.
 *
 * This hides a probe from who looks at its own askers. Operators who tell one another their askers know a purse after
 * its first verdict, and whoever follows the money on the chain sees the wallet that filled it, unless that is one that
 * fills everybody's, as a faucet.
 */
export class Purses {
  readonly #components: PursesComponents
  readonly #init: PursesInit
  readonly #records: PurseRecords
  readonly #stopper = new AbortController()
  readonly #purses: Map<number, PurseRecord>
  /** As their last quotes said. */
  readonly #operators = new Map<PeerName, ChainAddress>()
  #filling: Promise<void> | undefined
  #tending: Promise<void> | undefined

  private constructor(
    components: PursesComponents,
    init: PursesInit,
    known: { readonly records: PurseRecords; readonly purses: ReadonlyMap<number, PurseRecord> },
  ) {
    this.#components = components
    this.#init = init
    this.#records = known.records
    this.#purses = new Map(known.purses)
  }

  /** @throws InfernetError `payment.no-record` */
  static async open(components: PursesComponents, init: PursesInit): Promise<Purses> {
    const records = new PurseRecords(components.store)
    return new Purses(components, init, { records, purses: await records.all() })
  }

  start(): void {
    this.#tending ??= this.#tendOften()
    if ([...this.#purses.values()].some(({ state }) => state === 'filling')) this.#fillSoon()
  }

  async stop(): Promise<void> {
    this.#stopper.abort(new InfernetError('stream.cancelled'))
    this.#components.chain.stop()
    await Promise.allSettled([this.#filling, this.#tending])
  }

  /** Whether an offer can be paid for now. Where only a purse is missing, one will be filled. */
  canPay(provider: PeerName, { chainId, escrow }: OfferPayment): boolean {
    const { escrow: own } = this.#init
    if (chainId !== own.chainId || escrow !== own.escrow || this.#components.budget.left === 0n) return false
    if (this.#fitting(provider).length > 0) return true
    this.#fillSoon()
    return false
  }

  /** One that this provider's operator has not seen, chosen by chance. @throws InfernetError `payment.no-deposit` */
  async take(provider: PeerName): Promise<Purse> {
    const fitting = this.#fitting(provider)
    const index = fitting[Math.floor(this.#fraction() * fitting.length)]
    if (index === undefined) throw new InfernetError('payment.no-deposit')
    const keys = await this.#components.chain.keysOf(index)
    const own = new Set<ChainAddress>()
    return {
      job: () => this.#jobOf(index, keys, own),
      isKnown: async () => {
        const now = this.#purses.get(index)
        if (now?.state === 'open') await this.#put(index, { ...now, state: 'returning' })
      },
    }
  }

  /** @param own whom this very probe has met */
  #jobOf(index: number, { payer, session }: PurseKeys, own: Set<ChainAddress>): ProbeMoney {
    const { budget, clock, store, view } = this.#components
    const { escrow, stake, maxJobCost } = this.#init
    const aside = budget.take(maxJobCost)
    if (!aside) throw new InfernetError('payment.over-limit')
    const of = chainAddress(payer.address)
    const credit = new PayerCredit(
      {
        ...{ clock, escrow, stake, payer: of, signer: signerOf(session), chain: view },
        ledger: new PayerLedger(store, escrow, of),
      },
      { maxJobCost: aside.amount },
    )
    const guarded: Payer = {
      checkOffer: (payment) => credit.checkOffer(payment),
      checkQuote: async (quote, provider, prefillTokens) => {
        await credit.checkQuote(quote, provider, prefillTokens)
        if (quote.payment) await this.#meet(index, { provider, operator: quote.payment.operator, own })
      },
      open: (terms, options) => credit.open(terms, options),
    }
    return { payer: guarded, maxCost: aside.amount, used: (amount) => aside.used(amount) }
  }

  /**
   * Notes who is about to see this purse. Only a quote names the operator, and before anything is paid.
   *
   * @throws InfernetError `payment.no-deposit` where it has seen it in an earlier probe
   */
  async #meet(
    index: number,
    { provider, operator, own }: { provider: PeerName; operator: ChainAddress; own: Set<ChainAddress> },
  ): Promise<void> {
    this.#operators.delete(provider)
    this.#operators.set(provider, operator)
    for (const eldest of this.#operators.keys())
      if (this.#operators.size > MAX_AUDITED) this.#operators.delete(eldest)
    const record = this.#purses.get(index)
    if (!record) throw new InfernetError('payment.no-deposit')
    if (own.has(operator)) return
    if (record.met.includes(operator)) throw new InfernetError('payment.no-deposit')
    own.add(operator)
    await this.#put(index, { ...record, met: [...record.met, operator] })
  }

  #fitting(provider: PeerName): number[] {
    const operator = this.#operators.get(provider)
    return [...this.#purses].flatMap(([index, record]) =>
      this.#isOpen(record) && !(operator && record.met.includes(operator)) ? [index] : [],
    )
  }

  #isOpen({ state, endsAt }: PurseRecord): boolean {
    return state === 'open' && endsAt - SESSION_MARGIN_MS > this.#components.clock.now()
  }

  #fillSoon(): void {
    this.#filling ??= this.#fill()
      .catch((thrown: unknown) => {
        const { code } = InfernetError.from(thrown)
        if (!this.#stopper.signal.aborted)
          this.#components.log.warn({ code }, 'a purse for paid probes could not be filled')
      })
      .finally(() => (this.#filling = undefined))
  }

  async #fill(): Promise<void> {
    const { clock, chain, log } = this.#components
    const { fillWithinMs = FILL_WITHIN_MS, deposits } = this.#init
    const all = [...this.#purses]
    const begun = all.find(([, { state }]) => state === 'filling')?.[0]
    const open = all.filter(([, record]) => this.#isOpen(record)).length
    if (begun === undefined && (open >= MAX_OPEN || all.length >= MAX_OUT)) return
    await sleep(clock, millis(Math.ceil(this.#fraction() * fillWithinMs)), { signal: this.#stopper.signal })
    const amount = deposits[Math.floor(this.#fraction() * deposits.length)] ?? 0n
    const index = begun ?? (await this.#records.make(amount))
    const record = (await this.#records.all()).get(index)
    if (!record) throw new InfernetError('payment.no-record')
    this.#purses.set(index, record)
    const endsAt = epochMillis((await chain.fill(await chain.keysOf(index), record.amount)) * SECOND_MS)
    await this.#put(index, { ...record, state: 'open', endsAt })
    log.debug({ purses: open + 1 }, 'a purse for paid probes is filled')
  }

  async #tendOften(): Promise<void> {
    const { clock, log } = this.#components
    const { signal } = this.#stopper
    while (!signal.aborted) {
      await this.#tend().catch((thrown: unknown) => log.debug({ err: thrown }, 'purses could not be tended'))
      const waitMs = millis(Math.ceil(TEND_EVERY_MS * (0.5 + this.#fraction())))
      await sleep(clock, waitMs, { signal }).catch(() => undefined)
    }
  }

  /** Fetches what is left of those that are over. */
  async #tend(): Promise<void> {
    const { chain } = this.#components
    for (const [index, record] of this.#purses) {
      if (this.#stopper.signal.aborted) return
      if (record.state === 'filling' || this.#isOpen(record)) continue
      if (record.state === 'open') await this.#put(index, { ...record, state: 'returning' })
      if ((await chain.takeBack(await chain.keysOf(index))) === 'waiting') continue
      await this.#records.drop(index)
      this.#purses.delete(index)
    }
  }

  async #put(index: number, record: PurseRecord): Promise<void> {
    await this.#records.put(index, record)
    this.#purses.set(index, record)
  }

  /** In [0, 1). */
  #fraction(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#components.random.bytes(4)
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32
  }
}
