import type { Clock } from '../base/clock.ts'
import { baseUnits, millis, type BaseUnits } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { RECEIPT_DEADLINE_MS } from './constants.ts'
import type { JobTally, OutgoingCredit } from './credit.ts'
import type { ProviderFrame } from './messages.ts'
import type { Transcript } from './transcript.ts'

/** How the two words on a job's end go over its stream. */
export interface ReceiptWire {
  send(receipt: Uint8Array, signal: AbortSignal): Promise<void>
  /** The next frame that is no beat. */
  next(signal: AbortSignal): Promise<ProviderFrame>
}

/** The money side of one job at its consumer. Without credit nothing is ever paid. */
export class JobPayment {
  readonly #clock: Clock
  readonly #credit: OutgoingCredit | undefined
  #failure: InfernetError | undefined
  #receipt: Transcript['receipt'] = { consumer: new Uint8Array(), provider: new Uint8Array() }

  constructor(clock: Clock, credit: OutgoingCredit | undefined) {
    this.#clock = clock
    this.#credit = credit
  }

  /** False for a job that nobody pays for. */
  get isPaying(): boolean {
    return this.#credit !== undefined
  }

  /** What goes with the job's first frame; undefined for a job that nobody pays for. */
  get opening(): Uint8Array | undefined {
    return this.#credit?.opening
  }

  /** What was paid so far, in base units. */
  get paid(): BaseUnits {
    return this.#credit?.paid ?? baseUnits(0n)
  }

  /** A refusal taught the purse something: the same provider may say yes to a second try. */
  get hasLearned(): boolean {
    return this.#credit?.hasLearned ?? false
  }

  /** Why this side could not pay. */
  get failure(): InfernetError | undefined {
    return this.#failure
  }

  /** Both words on how it ended, each empty where it was not given. */
  get receipt(): Transcript['receipt'] {
    return this.#receipt
  }

  /** The provider did not accept, or was never asked. */
  notAccepted(reason: ErrorCode): void {
    this.#credit?.notAccepted(reason)
  }

  /** Takes up what the provider holds and we perhaps forgot. Never throws. */
  async catchUp(held: Uint8Array): Promise<void> {
    await this.#credit?.catchUp(held)
  }

  /**
   * Credit that brings what is paid to `due`, in base units; undefined for a job that nobody pays for.
   *
   * @throws InfernetError `payment.*`, which then stands in {@link failure}
   */
  async pay(due: BaseUnits): Promise<Uint8Array | undefined> {
    try {
      return await this.#credit?.pay(due)
    } catch (thrown) {
      this.#failure = InfernetError.from(thrown, 'payment.no-record')
      throw this.#failure
    }
  }

  /** Both sides sign what they agree on. The answer is complete, so whatever goes wrong here is let go. */
  async exchangeReceipts(tally: JobTally, wire: ReceiptWire): Promise<void> {
    const credit = this.#credit
    if (!credit) return
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: RECEIPT_DEADLINE_MS })
    const exchange = async (signal: AbortSignal): Promise<void> => {
      const consumer = await credit.receipt(tally)
      this.#receipt = { ...this.#receipt, consumer }
      await wire.send(consumer, signal)
      const frame = await wire.next(signal)
      if (frame.type !== 'receipt') return
      this.#receipt = { consumer, provider: frame.receipt }
      await credit.takeReceipt(frame.receipt)
    }
    await withDeadline(this.#clock, millis(RECEIPT_DEADLINE_MS), late, exchange).catch(() => undefined)
  }
}
