import type { PeerName } from '../base/ids.ts'
import type { BaseUnits, Tokens } from '../base/units.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { isFree } from '../prompt/free-price.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { ChainTerms } from './chunk.ts'
import { PREPAID_PROMPT_TOKENS } from './constants.ts'

/**
 * What a job pays with, as this stage sees it: opaque bytes that the stage `settle` makes and reads. Here it is only
 * known how much is due, when to ask for credit, and that nothing goes on without.
 *
 * A long prompt is paid for before it is read. Both sides book that by the same three words:
 *
 * - **prepaid**: the voucher in `open` pays for the prompt. The payer books it when the voucher is on record, the
 *   provider when it has kept the voucher.
 * - **accepted**: the provider signs chunk 0 and sends it inside `accepted`. It books this when it hands that frame to
 *   the stream, the payer when it reads it.
 * - **spent**: owed and paid for, whatever comes of the job (a stop, a failure, another provider who goes on). Accepted
 *   is spent.
 *
 * What was prepaid and not accepted is **left over**: the payer may use it for the next long prompt on the same line. It
 * books that on the provider's own word alone (`failed` in place of `accepted`), or when the voucher never left; the
 * provider's book says the same, as the money came in and no job used it. Who stops reads on until the provider has
 * closed, and so hears one of the two. Where the payer hears neither (the stream died, the provider did, or it said
 * nothing for a second after a stop), the prompt counts as spent for the payer: it may have been, and so
 * nothing that it later asks for hangs on a book that it cannot see. That costs it one prompt at most, and a provider
 * that did not accept merely holds more than it needs.
 *
 * The provider's book decides. It forgets what was left over when it starts again, when it drops an idle line, and when
 * a voucher comes for a short prompt and brings more than that job owes (it may be another node's money). It then says
 * `payment.unpaid`: the payer drops all that it thought was left over on that line, which is never more than it
 * prepaid, and pays the next try in full. A payer that starts again has nothing left over. Two jobs of one payer draw on
 * one line: what is left over is used by one of them, and the open window of one is never held against the prepayment
 * of the other.
 */
export interface CreditTerms extends ChainTerms {
  readonly consumer: PeerName
  readonly quote: Quote
  /** The most tokens that will be written; of a job of vectors, read. */
  readonly maxTokens: number
  /** Tokens of the first chunk, for which there must be money. @default CHUNK_TOKENS */
  readonly chunkTokens?: number | undefined
  /** What is read is paid for before, however short it is. @default a prompt of more than PREPAID_PROMPT_TOKENS is */
  readonly prepaid?: true | undefined
}

/** How a job ended, in one's own count. */
export interface JobTally {
  /** Tokens read before the first one was written. */
  readonly promptTokens: Tokens
  /** Tokens under signed chunks. */
  readonly outputTokens: Tokens
  readonly due: BaseUnits
  /** SHA-256 of the last chunk. */
  readonly head: Uint8Array
}

/** Where a consumer's credit comes from. */
export interface CreditSource {
  /**
   * Makes ready to pay one job.
   *
   * @throws InfernetError `payment.*` when it cannot or may not be paid from here: no other provider would change that.
   */
  open(terms: CreditTerms, options?: { signal?: AbortSignal | undefined }): Promise<OutgoingCredit>
}

/** A consumer's credit for one job. */
export interface OutgoingCredit {
  /** Goes with the job's first frame; pays for a long prompt, see `PREPAID_PROMPT_TOKENS`. */
  readonly opening: Uint8Array
  /**
   * What this job was paid so far: its prompt if that was prepaid, from its own voucher or from what was left over, and
   * its chunks. Over all jobs this comes to what the vouchers come to, less what is left over.
   */
  readonly paid: BaseUnits
  /** True when a refusal taught the purse something, so that the same provider may say yes to a second try. */
  readonly hasLearned: boolean
  /**
   * Credit that brings what is paid to `due`. It is on record before it is handed out.
   *
   * @throws InfernetError `payment.*`
   */
  pay(due: BaseUnits): Promise<Uint8Array>
  /** What the provider holds and we perhaps forgot: taken up when we signed it. Never throws. */
  catchUp(held: Uint8Array): Promise<void>
  /** Our word on how it ended; empty when there is none to give. Never throws. */
  receipt(tally: JobTally): Promise<Uint8Array>
  /** The provider's word on the same. What is not right is dropped. Never throws. */
  takeReceipt(receipt: Uint8Array): Promise<void>
  /** The provider did not accept, by its own word, or it was never asked: what was prepaid is left over. Never throws. */
  notAccepted(reason: ErrorCode): void
}

/** Who judges the credit that comes to a provider. */
export interface CreditVerifier {
  /**
   * Checks, before any work, that a job will be paid.
   *
   * @throws InfernetError `payment.*`
   */
  open(
    terms: CreditTerms,
    credit: Uint8Array,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<IncomingCredit>
  /** The best credit held of whoever gave this one, so that a refused consumer can catch up. Never throws. */
  heldBeside(terms: CreditTerms, credit: Uint8Array): Uint8Array | undefined
}

/** The credit of one job at its provider. */
export interface IncomingCredit {
  /** What came in for this job so far, its prepaid prompt with it; once it is closed, what of its due was paid. */
  readonly paid: BaseUnits
  /**
   * Takes further credit; it is on record when this resolves.
   *
   * @throws InfernetError `payment.*`
   */
  take(credit: Uint8Array): Promise<void>
  /** Whether work up to `due` leaves no more than `windowTokens` written tokens unpaid. */
  covers(due: BaseUnits, windowTokens: number): boolean
  /** Puts our name under the consumer's word, if it is ours as well; empty if not. Never throws. */
  countersign(receipt: Uint8Array, tally: JobTally): Promise<Uint8Array>
  /** The job is over; what is unpaid of `due` is remembered against the payer. */
  close(due: BaseUnits): void
}

/** True when the prompt of a paid job is paid for before it is read. */
export function isPrepaid({
  prefillTokens,
  prepaid,
}: Pick<CreditTerms, 'prefillTokens' | 'prepaid'>): boolean {
  return prepaid === true || prefillTokens > PREPAID_PROMPT_TOKENS
}

/** True when a job under this quote is paid for. */
export function isPaid({ payment, price }: Quote): boolean {
  return payment !== undefined && !isFree(price)
}
