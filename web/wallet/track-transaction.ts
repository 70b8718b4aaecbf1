import type { Hash, TransactionReceipt } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { raceSignal, sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainClient } from './chain-client.ts'
import { STUCK_AFTER_BLOCKS, STUCK_AFTER_MS } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import { lookUp, type Fate } from './look-up.ts'
import { otherPayerOf } from './other-payer.ts'
import { withHash, type TransactionRecord } from './transaction-record.ts'

const POLL_MS = { least: 250, most: 4000 } as const
/** An endpoint may know that a number is used before another one has the receipt: once is no proof. */
const DISPLACED_LOOKS = 2

export interface TrackComponents {
  readonly client: ChainClient
  readonly clock: Clock
  /** Expected seconds between blocks. */
  readonly blockSeconds: number
  /** Whether a hash belongs to another act. */
  readonly isForeign: (hash: Hash) => boolean
}

export interface TrackOptions {
  readonly signal: AbortSignal
  /** Called after each look, with whether it has been on its way for suspiciously long. */
  readonly onLook: (fate: Fate, isLate: boolean) => void
  /** Puts what the chain decided on record. */
  readonly onDecided: (record: TransactionRecord) => Promise<void>
}

/** Follows one transaction, under all the hashes that it was sent with, until the chain has decided. */
export class TransactionTrack {
  readonly #components: TrackComponents
  #wake: () => void = () => undefined
  /** What is known of it by now. */
  record: TransactionRecord

  constructor(components: TrackComponents, record: TransactionRecord) {
    this.#components = components
    this.record = record
  }

  /** Looks now. */
  look(): void {
    this.#wake()
  }

  /**
   * Resolves when it is in a block and did what it should. It never gives up by itself: a chain that does not answer has
   * decided nothing.
   *
   * @throws InfernetError `wallet.reverted`, `wallet.replaced`, `wallet.other-paid`
   */
  async mined({ signal, onLook, onDecided }: TrackOptions): Promise<TransactionReceipt> {
    const { client, clock, blockSeconds, isForeign } = this.#components
    let begun = clock.monotonic()
    let sentAs = this.record.hashes.length
    const stuckAfter = Math.max(STUCK_AFTER_MS, STUCK_AFTER_BLOCKS * blockSeconds * 1000)
    const longest = Math.min(POLL_MS.most, Math.max(POLL_MS.least, (blockSeconds * 1000) / 2))
    // Some chains mine a transaction at once, whatever their empty blocks take.
    let pause: number = POLL_MS.least
    let displaced = 0
    for (;;) {
      signal.throwIfAborted()
      const fate = await lookUp(client, this.record, isForeign)
      signal.throwIfAborted()
      if (fate.kind === 'mined') return this.#succeeded(fate.receipt, onDecided)
      displaced = fate.kind === 'displaced' ? displaced + 1 : 0
      if (displaced >= DISPLACED_LOOKS) {
        this.record = { ...this.record, state: 'dropped' }
        await onDecided(this.record)
        throw new InfernetError('wallet.replaced')
      }
      // Sent for a higher fee, it has the same time again.
      if (this.record.hashes.length > sentAs) begun = clock.monotonic()
      sentAs = this.record.hashes.length
      onLook(fate, clock.monotonic() - begun > stuckAfter)
      await this.#pause(pause, signal)
      pause = Math.min(longest, 1.5 * pause)
    }
  }

  async #pause(forMs: number, signal: AbortSignal): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const over = new AbortController()
    this.#wake = woken.resolve
    try {
      const rest = sleep(this.#components.clock, millis(forMs), { signal: over.signal })
      await raceSignal(Promise.race([rest, woken.promise]), signal)
    } finally {
      over.abort()
    }
  }

  async #succeeded(
    receipt: TransactionReceipt,
    onDecided: TrackOptions['onDecided'],
  ): Promise<TransactionReceipt> {
    const { transactionHash: hash, blockNumber, status } = receipt
    const hashes = [...withHash(this.record.hashes, hash).filter((each) => each !== hash), hash]
    const state = status === 'success' ? 'mined' : 'failed'
    const paidBy = otherPayerOf(this.record, receipt)
    this.record = { ...this.record, hashes, state, block: Number(blockNumber), paidBy }
    await onDecided(this.record)
    if (paidBy) throw new InfernetError('wallet.other-paid', { account: paidBy })
    if (status === 'success') return receipt
    throw await this.#whyReverted(receipt)
  }

  async #whyReverted({ transactionHash: hash, blockNumber }: TransactionReceipt): Promise<InfernetError> {
    const { client } = this.#components
    try {
      const { from, to, input, value } = await client.getTransaction({ hash })
      await client.call({ account: from, to, data: input, value, blockNumber: blockNumber - 1n })
    } catch (thrown) {
      const failure = explainFailure(thrown)
      if (failure.code === 'wallet.reverted') return failure
    }
    return new InfernetError('wallet.reverted')
  }
}
