import { equalBytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, millis, type BaseUnits } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import { costOf } from '../prompt/cost.ts'
import type { QuotePayment } from '../prompt/prompt.ts'
import { CHUNK_TOKENS } from '../stream/constants.ts'
import {
  isPrepaid,
  type CreditTerms,
  type CreditVerifier,
  type IncomingCredit,
  type JobTally,
} from '../stream/credit.ts'
import type { ChainSigner } from './chain-signature.ts'
import type { ChainView } from './chain-view.ts'
import { checkFunds, type Funds } from './check-funds.ts'
import { MAX_LINES, STORE_DEADLINE_MS } from './constants.ts'
import { decodeCredit, decodeReceipt, encodeCredit, encodeReceipt } from './credit-message.ts'
import { Debtors } from './debtors.ts'
import { FirstCredit } from './first-credit.ts'
import { unclaimedIn, type PayeeLedger } from './payee-ledger.ts'
import { PayeeLine, type LineJob } from './payee-line.ts'
import { receiptOf } from './payer-credit.ts'
import { isReceiptSignedBy, signReceipt, type SignedReceipt } from './receipt.ts'
import { isSignedBy, type EscrowId, type PaymentLine, type SignedVoucher } from './voucher.ts'

export interface PayeeCreditComponents {
  readonly clock: Clock
  readonly escrow: EscrowId
  readonly chain: ChainView
  readonly ledger: PayeeLedger
  /** Signs receipts; its address is the operator's. @default receipts are not countersigned */
  readonly signer?: ChainSigner | undefined
  /** Called with each receipt whose figures both sides have; without our name where the key is not here. */
  readonly onReceipt?: (receipt: SignedReceipt) => void
}

/**
 * The provider's till. Before any work: a voucher by an authorised key, of a deposit that stands, for this provider,
 * model and relay, with room for the first chunk. After that every voucher is checked the same way and kept before it
 * counts.
 */
export class PayeeCredit implements CreditVerifier {
  readonly #components: PayeeCreditComponents
  readonly #lines = new Map<string, PayeeLine>()
  readonly #debtors: Debtors
  readonly #firstCredit: FirstCredit

  constructor(components: PayeeCreditComponents) {
    this.#components = components
    this.#debtors = new Debtors(components.clock)
    this.#firstCredit = new FirstCredit(components.clock)
  }

  async open(
    terms: CreditTerms,
    credit: Uint8Array,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<IncomingCredit> {
    const payment = this.#paymentOf(terms)
    const signed = decodeCredit(credit, { operator: payment.operator, model: terms.quote.model })
    this.#debtors.refuse(signed.voucher.payer)
    const funds = await this.check(signed, payment, signal)
    const line = await this.#lineOf(signed.voucher, signal)
    const job = jobOf(terms)
    // Beside a job that runs on the same line, a voucher may be overtaken by that one's next.
    if (signed.voucher.cumulative < line.received && line.jobs === 0) throw new InfernetError('payment.stale')
    const { chunkTokens = CHUNK_TOKENS, maxTokens } = terms
    const first = costOf(terms.price, terms.prefillTokens, Math.min(chunkTokens, maxTokens))
    await this.expectRoom(signed, baseUnits(first), funds, signal)
    await this.expectCredit(signed, baseUnits(first), funds, signal)
    const added = await this.keep(signed, funds, line)
    // Beside a running job the voucher may hold that one's payment, which is on its way.
    if (line.jobs === 0) line.absorb(added - job.due)
    line.enter(job)
    if (job.due > 0n && !line.mayBegin(job)) {
      line.leave(job, baseUnits(0n))
      throw new InfernetError('payment.unpaid')
    }
    return new PaidJob(this, { terms, payment, line, job, opening: signed, funds })
  }

  heldBeside(terms: CreditTerms, credit: Uint8Array): Uint8Array | undefined {
    try {
      const { voucher } = decodeCredit(credit, {
        operator: this.#paymentOf(terms).operator,
        model: terms.quote.model,
      })
      const held = this.#components.ledger.held(voucher)
      return held && encodeCredit(held)
    } catch {
      return undefined
    }
  }

  /**
   * Everything about a voucher but its amount.
   *
   * @throws InfernetError `payment.wrong-payee`, `payment.bad-voucher`, `payment.wrong-epoch`, or what
   * {@link checkFunds} throws.
   */
  async check(signed: SignedVoucher, payment: QuotePayment, signal?: AbortSignal): Promise<Funds> {
    const { chain, escrow, clock } = this.#components
    const { payer, relay, epoch } = signed.voucher
    if (relay !== payment.relay) throw new InfernetError('payment.wrong-payee', { field: 'relay' })
    if (!(await isSignedBy(escrow, signed)))
      throw new InfernetError('payment.bad-voucher', { reason: 'signature' })
    const who = { payer, signer: signed.signer, now: clock.now() }
    const funds = await checkFunds(chain, who, { signal }).catch((thrown: unknown) => {
      if (hasCode(thrown, 'payment.chain-unreachable')) throw thrown
      return undefined
    })
    if (funds?.epoch === epoch) return funds
    // What is remembered of the account may be older than its last deposit or session: that is asked once more.
    const anew = await checkFunds(chain, who, { isFresh: true, signal })
    if (epoch !== anew.epoch) throw new InfernetError('payment.wrong-epoch')
    return anew
  }

  /** Learns from the chain what was claimed of a line; to be called after a claim. */
  async reckon(line: PaymentLine): Promise<void> {
    const { chain, ledger } = this.#components
    await ledger.noteClaimed(line, await chain.claimed(line, { isFresh: true }))
    // A balance from before the claim would be counted as well as what was claimed of it.
    await chain.account(line.payer, { isFresh: true })
  }

  /**
   * Whether the deposit holds what the voucher adds, and no less than `least` more than before. What was claimed
   * meanwhile, by us or by whoever carried it, has left the deposit and is owed no more: before a payer is refused, the
   * chain is asked for it.
   *
   * @throws InfernetError `payment.no-deposit`, `payment.session-spent`
   */
  async expectRoom(
    { voucher, signer }: SignedVoucher,
    least: BaseUnits,
    funds: Funds,
    signal?: AbortSignal,
  ): Promise<void> {
    const before =
      this.#components.ledger.held(voucher)?.voucher.cumulative ?? this.#known(voucher)?.received ?? 0n
    const added = voucher.cumulative > before ? voucher.cumulative - before : 0n
    const next = added > least ? added : least
    if (this.#owed(voucher, next) <= funds.room) return
    const anew = await this.#reckonAll({ payer: voucher.payer, signer }, funds, signal)
    const needed = this.#owed(voucher, next)
    if (needed > anew.room)
      throw new InfernetError(anew.limitedBy, { needed: String(needed), free: String(anew.room) })
  }

  /**
   * Whether the payer owes us no more than is lent to one that may owe as much to others; see {@link FirstCredit}. A
   * first chunk is always lent. What was claimed meanwhile is asked for before a payer is refused.
   *
   * @param next what comes on top, in base units
   * @throws InfernetError `payment.credit-used`
   */
  async expectCredit(
    { voucher, signer }: Pick<SignedVoucher, 'voucher' | 'signer'>,
    next: BaseUnits,
    funds: Funds,
    signal?: AbortSignal,
  ): Promise<void> {
    const { payer } = voucher
    const freeOf = ({ epoch, balance }: Funds): bigint => {
      const { ledger } = this.#components
      const owed = ledger.unclaimedOf(payer, epoch)
      if (owed === 0n) return next
      return this.#firstCredit.of({ payer, epoch, balance, claimed: ledger.claimedOf(payer, epoch) }) - owed
    }
    if (freeOf(funds) >= next) return
    const free = freeOf(await this.#reckonAll({ payer, signer }, funds, signal))
    if (free < next)
      throw new InfernetError('payment.credit-used', {
        needed: String(next),
        free: String(free > 0n ? free : 0n),
      })
  }

  #owed({ payer, epoch }: PaymentLine, next: bigint): bigint {
    return this.#components.ledger.unclaimedOf(payer, epoch) + next
  }

  /** First what was claimed, then what is left: the other way round a claim in between would be counted for neither. */
  async #reckonAll(
    who: { payer: ChainAddress; signer: ChainAddress },
    funds: Funds,
    signal: AbortSignal | undefined,
  ): Promise<Funds> {
    const { chain, clock, ledger } = this.#components
    const open = ledger.vouchers.filter(
      (held) =>
        held.voucher.payer === who.payer && held.voucher.epoch === funds.epoch && unclaimedIn(held) > 0n,
    )
    if (open.length === 0) return funds
    try {
      for (const { voucher } of open)
        await ledger.noteClaimed(voucher, await chain.claimed(voucher, { isFresh: true, signal }))
      return await checkFunds(chain, { ...who, now: clock.now() }, { isFresh: true, signal })
    } catch (thrown) {
      if (hasCode(thrown, 'payment.chain-unreachable')) return funds
      throw thrown
    }
  }

  /** Keeps a voucher that is worth more than what is held; then, and not before, it counts. Gives what it added. */
  async keep(signed: SignedVoucher, { sessionExpiry }: Funds, line: PayeeLine): Promise<bigint> {
    const { clock, ledger } = this.#components
    const { cumulative } = signed.voucher
    if (cumulative <= line.received) return 0n
    const late = (): Error => new InfernetError('payment.no-record')
    const claimed = baseUnits(ledger.held(signed.voucher) ? 0n : line.received)
    await withDeadline(clock, millis(STORE_DEADLINE_MS), late, () =>
      ledger.keep(signed, { sessionExpiry, claimed }),
    )
    const added = cumulative > line.received ? cumulative - line.received : 0n
    line.received += added
    return added
  }

  /** A job is over: what it was not paid is noted against the payer. Gives what it was paid. */
  end(payer: ChainAddress, line: PayeeLine, job: LineJob, due: BaseUnits): bigint {
    const lost = line.leave(job, due)
    if (lost > 0n) this.#debtors.add(payer)
    return lost < due ? due - lost : 0n
  }

  /** Puts our name under a receipt whose every figure is ours; empty where it is not, or the key is elsewhere. */
  async countersign(
    receipt: Uint8Array,
    signed: SignedVoucher,
    tally: JobTally,
    terms: CreditTerms,
  ): Promise<Uint8Array> {
    const { signer, escrow, onReceipt } = this.#components
    const theirs = decodeReceipt(receipt)
    const { provider } = signed.voucher
    const isAgreed = theirs.due === tally.due && theirs.paid === tally.due && theirs.signer === signed.signer
    const agreed = receiptOf(terms, signed.voucher, tally, tally.due)
    if (!isAgreed || !(await isReceiptSignedBy(escrow, agreed, theirs))) return new Uint8Array()
    const hasKey = signer?.address === provider
    const providerSignature = hasKey ? await signReceipt(escrow, agreed, signer) : undefined
    onReceipt?.({ receipt: agreed, signer: theirs.signer, signature: theirs.signature, providerSignature })
    if (!providerSignature) return new Uint8Array()
    return encodeReceipt({ due: tally.due, paid: tally.due, signer: provider, signature: providerSignature })
  }

  #paymentOf({ quote }: CreditTerms): QuotePayment {
    const { escrow } = this.#components
    const { payment } = quote
    if (!payment || payment.chainId !== escrow.chainId || payment.escrow !== escrow.escrow)
      throw new InfernetError('payment.wrong-chain')
    return payment
  }

  /** A line that is not on record begins at what was claimed of it: the record may have been lost, the chain was not. */
  async #lineOf(of: PaymentLine, signal: AbortSignal | undefined): Promise<PayeeLine> {
    const known = this.#known(of)
    if (known) return known
    const { ledger, chain } = this.#components
    const held = ledger.held(of)
    const claimed = await chain.claimed(of, { signal })
    if (held) await ledger.noteClaimed(of, claimed)
    const received = held && held.voucher.cumulative > claimed ? held.voucher.cumulative : claimed
    const line = this.#known(of) ?? new PayeeLine(received)
    this.#remember(of, line)
    return line
  }

  #known(of: PaymentLine): PayeeLine | undefined {
    return this.#lines.get(nameOf(of))
  }

  /** Idle lines are forgotten, the eldest first; what they held beyond their jobs stays on record as received. */
  #remember(of: PaymentLine, line: PayeeLine): void {
    this.#lines.set(nameOf(of), line)
    if (this.#lines.size <= MAX_LINES) return
    for (const [name, each] of this.#lines) {
      if (each.jobs > 0 || each === line) continue
      this.#lines.delete(name)
      return
    }
  }
}

interface PaidJobInit {
  readonly terms: CreditTerms
  readonly payment: QuotePayment
  readonly line: PayeeLine
  readonly job: LineJob
  readonly opening: SignedVoucher
  readonly funds: Funds
}

/** What ends a job, but not what a voucher is worth: it can be claimed for the escrow's grace. */
const STILL_GOOD: ReadonlySet<ErrorCode> = new Set([
  'payment.withdrawal-pending',
  'payment.expired-session',
  'payment.chain-unreachable',
])

class PaidJob implements IncomingCredit {
  readonly #till: PayeeCredit
  readonly #init: PaidJobInit
  #last: SignedVoucher
  #lastBytes: Uint8Array = new Uint8Array()
  /** Once it is closed, when it is clear which of the line's vouchers were for it. */
  #finallyPaid: bigint | undefined

  constructor(till: PayeeCredit, init: PaidJobInit) {
    this.#till = till
    this.#init = init
    this.#last = init.opening
  }

  get paid(): BaseUnits {
    return baseUnits(this.#finallyPaid ?? this.#init.job.cameIn)
  }

  async take(credit: Uint8Array): Promise<void> {
    if (equalBytes(credit, this.#lastBytes)) return // said twice
    const { payment, terms, line, job } = this.#init
    const signed = decodeCredit(credit, { operator: payment.operator, model: terms.quote.model })
    const { voucher } = this.#last
    if (signed.voucher.payer !== voucher.payer || signed.voucher.epoch !== voucher.epoch)
      throw new InfernetError('payment.wrong-payee', { field: 'payer' })
    if (signed.voucher.cumulative < voucher.cumulative) throw new InfernetError('payment.stale')
    const funds = await this.#till.check(signed, payment).catch(async (thrown: unknown) => {
      // By the same key alone: another one's could push a good voucher off the record.
      const isGood = STILL_GOOD.has(InfernetError.from(thrown).code) && signed.signer === this.#last.signer
      if (isGood) job.cameIn += await this.#till.keep(signed, this.#init.funds, line)
      throw thrown
    })
    await this.#till.expectRoom(signed, baseUnits(0n), funds)
    job.cameIn += await this.#till.keep(signed, funds, line)
    this.#last = signed
    this.#lastBytes = credit
    // The voucher is good and kept; what it pays for is the last of this answer.
    await this.#till.expectCredit(signed, baseUnits(0n), funds)
  }

  covers(due: BaseUnits, windowTokens: number): boolean {
    const { line, job, terms } = this.#init
    job.due = due
    job.window = costOf(terms.price, 0, windowTokens)
    return windowTokens === 0 ? line.isSettled(job) : line.isCovered
  }

  async countersign(receipt: Uint8Array, tally: JobTally): Promise<Uint8Array> {
    const { line, job, terms } = this.#init
    job.due = tally.due
    if (receipt.length === 0 || !line.isSettled(job)) return new Uint8Array()
    return this.#till.countersign(receipt, this.#last, tally, terms).catch((): Uint8Array => new Uint8Array())
  }

  close(due: BaseUnits): void {
    const { line, job } = this.#init
    this.#finallyPaid ??= this.#till.end(this.#last.voucher.payer, line, job, due)
  }
}

/** A prompt that is long is owed from the start, a short one with the first chunk. */
function jobOf(terms: CreditTerms): LineJob {
  const cost = costOf(terms.price, terms.prefillTokens, 0)
  return isPrepaid(terms)
    ? { due: cost, window: 0n, prefill: 0n, cameIn: cost }
    : { due: 0n, window: 0n, prefill: cost, cameIn: 0n }
}

function nameOf({ payer, provider, model, epoch }: PaymentLine): string {
  return `${payer} ${provider} ${model} ${epoch}`
}
