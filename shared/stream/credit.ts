import type { PeerName } from '../base/ids.ts'
import type { BaseUnits, Tokens } from '../base/units.ts'
import { isFree } from '../prompt/free-price.ts'
import type { Quote } from '../prompt/prompt.ts'
import type { ChainTerms } from './chunk.ts'

/**
 * What a job pays with, as this stage sees it: opaque bytes that the stage `settle` makes and reads. Here it is only
 * known how much is due, when to ask for credit, and that nothing goes on without.
 */
export interface CreditTerms extends ChainTerms {
  readonly consumer: PeerName
  readonly quote: Quote
  /** The most tokens that will be written. */
  readonly maxTokens: number
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
  /** What was handed out for this job so far. */
  readonly paid: BaseUnits
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
  /** The job is over; what was paid beyond `due` is not paid again to the same provider. */
  close(due: BaseUnits): void
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
  /** What came in for this job so far. */
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

/** True when a job under this quote is paid for. */
export function isPaid({ payment, price }: Quote): boolean {
  return payment !== undefined && !isFree(price)
}
