import type { Clock } from '../base/clock.ts'
import type { ChainAddress, PeerName } from '../base/ids.ts'
import { baseUnits, tokens, type BaseUnits } from '../base/units.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { costOf } from '../prompt/cost.ts'
import type { Quote, QuotePayment } from '../prompt/prompt.ts'
import type { OfferPayment } from '../schedule/offer.ts'
import { CHUNK_TOKENS } from '../stream/constants.ts'
import {
  isPaid,
  isPrepaid,
  type CreditSource,
  type CreditTerms,
  type JobTally,
  type OutgoingCredit,
} from '../stream/credit.ts'
import { verifiesBinding } from './binding.ts'
import type { ChainSigner } from './chain-signature.ts'
import type { ChainView, ReadOptions } from './chain-view.ts'
import { checkFunds, type Funds } from './check-funds.ts'
import { decodeCredit, decodeReceipt, encodeCredit, encodeReceipt } from './credit-message.ts'
import type { PayerLedger } from './payer-ledger.ts'
import { isReceiptSignedBy, signReceipt, type Receipt, type SignedReceipt } from './receipt.ts'
import { isSignedBy, signVoucher, type EscrowId, type PaymentLine } from './voucher.ts'

export interface PayerCreditComponents {
  readonly clock: Clock
  /** The escrow that is known here, from the network file: no other is ever paid through. */
  readonly escrow: EscrowId
  /** The stake contract of the same deployment; peers bind themselves to it. */
  readonly stake: ChainAddress
  readonly payer: ChainAddress
  /** The session's key. */
  readonly signer: ChainSigner
  readonly chain: ChainView
  readonly ledger: PayerLedger
  /** Called with each receipt that both sides signed, and with our own word where the other side gave none. */
  readonly onReceipt?: (receipt: SignedReceipt) => void
}

export interface PayerCreditInit {
  /** The most that one job may come to: what is due beyond is not paid, and the job ends. */
  readonly maxJobCost: BaseUnits
  /** Whether a key is another session of this payer, so that what it signed counts. @default the signer's alone */
  readonly isOwnKey?: (key: ChainAddress) => boolean
}

/** The consumer's purse: pays jobs by vouchers, within deposit, session and limit, each on record before it leaves. */
export class PayerCredit implements CreditSource {
  readonly #components: PayerCreditComponents
  readonly #init: PayerCreditInit
  /** What was prepaid and not accepted, per line: a provider gets that once. See `stream/credit.ts`. */
  readonly #leftOver = new Map<string, bigint>()

  constructor(components: PayerCreditComponents, init: PayerCreditInit) {
    this.#components = components
    this.#init = init
  }

  /** Before its provider is even dialled. @throws InfernetError `payment.wrong-chain` */
  checkOffer(payment: OfferPayment): void {
    knownPayment(payment, this.#components.escrow)
  }

  /**
   * Looks at a quote before anything is paid under it: the chain and the escrow must be ours, the provider's peer must
   * have bound itself to the address that is to be paid, and a prompt that is paid before it is read must be within the
   * limit.
   *
   * @throws InfernetError `payment.wrong-chain`, `payment.wrong-payee` or `payment.over-limit`
   */
  async checkQuote(quote: Quote, provider: PeerName, prefillTokens: number): Promise<void> {
    if (!quote.payment || !isPaid(quote)) return
    const { escrow, stake } = this.#components
    const { chainId, operator, binding } = knownPayment(quote.payment, escrow)
    if (!(await verifiesBinding(binding, { chainId, stake, operator }, provider)))
      throw new InfernetError('payment.wrong-payee', { field: 'binding' })
    if (costOf(quote.price, prefillTokens, 1) > this.#init.maxJobCost)
      throw new InfernetError('payment.over-limit')
  }

  async open(
    terms: CreditTerms,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<OutgoingCredit> {
    const { escrow, payer } = this.#components
    if (!terms.quote.payment) throw new InfernetError('payment.wrong-payee', { field: 'payment' })
    const payment = knownPayment(terms.quote.payment, escrow)
    const funds = await this.#funds({ signal })
    const { epoch } = funds
    const line = { payer, provider: payment.operator, model: terms.quote.model, epoch }
    const prefill = costOf(terms.price, terms.prefillTokens, 0)
    const { chunkTokens = CHUNK_TOKENS, maxTokens } = terms
    const firstChunk = costOf(terms.price, terms.prefillTokens, Math.min(chunkTokens, maxTokens))
    if (prefill > this.#init.maxJobCost) throw new InfernetError('payment.over-limit')
    await this.#expectRoom(epoch, firstChunk, funds, signal)
    const job = new PayingJob(this, terms, line, payment)
    await job.begin(isPrepaid(terms) ? prefill : baseUnits(0n))
    return job
  }

  /** A voucher for that much more; once on record it is as good as spent. @throws InfernetError `payment.*` */
  async voucher(line: PaymentLine, relay: ChainAddress, amount: BaseUnits): Promise<Uint8Array> {
    const { escrow, signer } = this.#components
    const funds = await this.#funds()
    if (funds.epoch !== line.epoch) throw new InfernetError('payment.wrong-epoch')
    const cumulative = await this.#add(line, amount, funds)
    return encodeCredit(await signVoucher(escrow, { ...line, relay, cumulative }, signer))
  }

  /** What of an amount was paid already, for a prompt that this provider did not accept. */
  useLeftOver(line: PaymentLine, amount: bigint): bigint {
    const left = this.#leftOver.get(nameOf(line)) ?? 0n
    const used = left < amount ? left : amount
    if (used < left) this.#leftOver.set(nameOf(line), left - used)
    else this.#leftOver.delete(nameOf(line))
    return used
  }

  leaveOver(line: PaymentLine, amount: bigint): void {
    if (amount > 0n) this.#leftOver.set(nameOf(line), (this.#leftOver.get(nameOf(line)) ?? 0n) + amount)
  }

  /** The provider's book says otherwise, and it decides. */
  dropLeftOver(line: PaymentLine): void {
    this.#leftOver.delete(nameOf(line))
  }

  /** @throws InfernetError `payment.over-limit` */
  checkLimit(due: BaseUnits): void {
    if (due > this.#init.maxJobCost) throw new InfernetError('payment.over-limit')
  }

  /** See `OutgoingCredit.catchUp`: only what a key of ours signed for this very line raises it. */
  async catchUp(held: Uint8Array, line: PaymentLine): Promise<void> {
    const { escrow, ledger, signer } = this.#components
    const signed = decodeCredit(held, { operator: line.provider, model: line.model })
    const isOwn = this.#init.isOwnKey?.(signed.signer) ?? false
    if (signed.signer !== signer.address && !isOwn) return
    if (signed.voucher.payer !== line.payer || signed.voucher.epoch !== line.epoch) return
    if (await isSignedBy(escrow, signed)) await ledger.raise(line, signed.voucher.cumulative)
  }

  /** Our signature on how a job ended. */
  async signReceipt(receipt: Receipt): Promise<{ signer: ChainAddress; signature: Uint8Array }> {
    const { escrow, signer } = this.#components
    return { signer: signer.address, signature: await signReceipt(escrow, receipt, signer) }
  }

  /** Hands on a receipt, with the provider's signature when that is right. */
  async giveReceipt(signed: Omit<SignedReceipt, 'providerSignature'>, answer: Uint8Array): Promise<void> {
    const { escrow, onReceipt } = this.#components
    const providerSignature = await readAnswer(escrow, signed.receipt, answer)
    onReceipt?.({ ...signed, providerSignature })
  }

  async #add(line: PaymentLine, amount: BaseUnits, funds: Funds): Promise<BaseUnits> {
    const { ledger } = this.#components
    try {
      return await ledger.add(line, amount, funds)
    } catch (thrown) {
      if (!isShort(thrown)) throw thrown
      return ledger.add(line, amount, await this.#reckon(line.epoch))
    }
  }

  /** Enough for the next chunk, so that no provider begins for nothing. */
  async #expectRoom(
    epoch: number,
    amount: BaseUnits,
    funds: Funds,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { ledger } = this.#components
    const fits = async ({ room }: Funds): Promise<boolean> =>
      (await ledger.outstanding(epoch)) + amount <= room
    if (await fits(funds)) return
    const anew = await this.#reckon(epoch, signal)
    if (!(await fits(anew))) throw new InfernetError(anew.limitedBy, { needed: String(amount) })
  }

  /** What providers claimed is free again: asks the chain what that is, then, in this order, what is left. */
  async #reckon(epoch: number, signal?: AbortSignal): Promise<Funds> {
    const { ledger, chain } = this.#components
    await ledger.reckon(epoch, (line) => chain.claimed(line, { isFresh: true, signal }))
    return this.#funds({ isFresh: true, signal })
  }

  #funds(options: ReadOptions = {}): Promise<Funds> {
    const { chain, payer, signer, clock } = this.#components
    return checkFunds(chain, { payer, signer: signer.address, now: clock.now() }, options)
  }
}

class PayingJob implements OutgoingCredit {
  readonly #purse: PayerCredit
  readonly #terms: CreditTerms
  readonly #line: PaymentLine
  readonly #payment: QuotePayment
  #opening: Uint8Array = new Uint8Array()
  /** Up to what the job is paid, with what an earlier one left over. */
  #covered = 0n
  #leftBefore = 0n
  #hasLearned = false
  #own: Omit<SignedReceipt, 'providerSignature'> | undefined

  constructor(purse: PayerCredit, terms: CreditTerms, line: PaymentLine, payment: QuotePayment) {
    this.#purse = purse
    this.#terms = terms
    this.#line = line
    this.#payment = payment
  }

  get opening(): Uint8Array {
    return this.#opening
  }

  get paid(): BaseUnits {
    return baseUnits(this.#covered)
  }

  get hasLearned(): boolean {
    return this.#hasLearned
  }

  /** Even a job that prepays nothing shows a voucher: it proves who pays, and from which deposit. */
  async begin(prepaid: BaseUnits): Promise<void> {
    const left = this.#purse.useLeftOver(this.#line, prepaid)
    try {
      this.#opening = await this.#voucher(prepaid - left)
    } catch (thrown) {
      this.#purse.leaveOver(this.#line, left)
      throw thrown
    }
    this.#leftBefore = left
    this.#covered = prepaid
  }

  async pay(due: BaseUnits): Promise<Uint8Array> {
    if (due <= this.#covered) return new Uint8Array()
    this.#purse.checkLimit(due)
    const credit = await this.#voucher(due - this.#covered)
    this.#covered = due
    return credit
  }

  notAccepted(reason: ErrorCode): void {
    if (reason === 'payment.unpaid' || reason === 'payment.stale') {
      this.#hasLearned = reason === 'payment.stale' || this.#leftBefore > 0n
      this.#purse.dropLeftOver(this.#line)
      // A voucher that was too low is worth nothing: the record has it in what the provider holds.
      if (reason === 'payment.stale') this.#covered = this.#leftBefore
      return
    }
    this.#purse.leaveOver(this.#line, this.#covered)
    this.#covered = 0n
  }

  async catchUp(held: Uint8Array): Promise<void> {
    await this.#purse.catchUp(held, this.#line).catch(() => undefined)
  }

  async receipt(tally: JobTally): Promise<Uint8Array> {
    try {
      const paid = baseUnits(this.#covered)
      const receipt: Receipt = receiptOf(this.#terms, this.#line, tally, paid)
      const { signer, signature } = await this.#purse.signReceipt(receipt)
      this.#own = { receipt, signer, signature }
      return encodeReceipt({ due: tally.due, paid, signer, signature })
    } catch {
      return new Uint8Array() // the answer is there and paid: no paper is worth losing it
    }
  }

  async takeReceipt(answer: Uint8Array): Promise<void> {
    if (this.#own) await this.#purse.giveReceipt(this.#own, answer).catch(() => undefined)
  }

  #voucher(amount: bigint): Promise<Uint8Array> {
    return this.#purse.voucher(this.#line, this.#payment.relay, baseUnits(amount))
  }
}

/** What both sides put their names to. */
export function receiptOf(
  { jobId }: Pick<CreditTerms, 'jobId'>,
  { payer, provider, model }: PaymentLine,
  { head, promptTokens, outputTokens, due }: JobTally,
  paid: BaseUnits,
): Receipt {
  return {
    jobId,
    payer,
    provider,
    model,
    head,
    promptTokens: tokens(promptTokens),
    outputTokens: tokens(outputTokens),
    due,
    paid,
  }
}

async function readAnswer(
  escrow: EscrowId,
  receipt: Receipt,
  answer: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (answer.length === 0) return undefined
  const { due, paid, signer, signature } = decodeReceipt(answer)
  const isAgreed = due === receipt.due && paid === receipt.paid && signer === receipt.provider
  return isAgreed && (await isReceiptSignedBy(escrow, receipt, { signer, signature })) ? signature : undefined
}

function knownPayment<T extends OfferPayment>(payment: T, { chainId, escrow }: EscrowId): T {
  if (payment.chainId !== chainId || payment.escrow !== escrow) throw new InfernetError('payment.wrong-chain')
  return payment
}

function nameOf({ provider, model, epoch }: PaymentLine): string {
  return `${provider} ${model} ${epoch}`
}

function isShort(thrown: unknown): boolean {
  return hasCode(thrown, 'payment.no-deposit') || hasCode(thrown, 'payment.session-spent')
}
