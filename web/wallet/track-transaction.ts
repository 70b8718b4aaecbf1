import {
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  type Address,
  type Hash,
  type Transaction,
  type TransactionReceipt,
} from 'viem'
import {
  call,
  getBlock,
  getBlockNumber,
  getTransaction,
  getTransactionCount,
  getTransactionReceipt,
} from 'viem/actions'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainClient } from './chain-client.ts'
import { GIVE_UP_MS, REPLACEMENT_BLOCKS, STUCK_AFTER_BLOCKS, STUCK_AFTER_MS } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import type { SentTransaction } from './signer.ts'

const POLL_MS = { least: 250, most: 4000 } as const

export interface TrackComponents {
  readonly client: ChainClient
  readonly clock: Clock
  /** Expected seconds between blocks. */
  readonly blockSeconds: number
}

export interface TrackOptions {
  readonly signal: AbortSignal
  readonly from: Address
  /** Called once, when it has been on its way for suspiciously long. */
  readonly onStuck: () => void
  /** Called when a transaction of the same sender and number, doing the same for another fee, took its place. */
  readonly onRepriced: (hash: Hash) => void
}

/** Follows one transaction, under all the hashes that it was sent with, into a block. */
export class TransactionTrack {
  readonly #components: TrackComponents
  readonly #sent: SentTransaction[]
  #nonce: number | undefined
  #wanted: Pick<Transaction, 'to' | 'input'> | undefined

  constructor(components: TrackComponents, sent: SentTransaction) {
    this.#components = components
    this.#sent = [sent]
    this.#nonce = sent.nonce
  }

  /** The newest hash it was sent with. */
  get last(): SentTransaction {
    return this.#sent.at(-1)!
  }

  /** The same transaction under another fee: whichever comes first counts. */
  add(sent: SentTransaction): void {
    this.#sent.push(sent)
  }

  /**
   * Resolves when it is in a block and did what it should.
   *
   * @throws InfernetError `wallet.reverted`, `wallet.replaced`, or `wallet.unreachable` after half an hour of looking
   */
  async mined({ signal, from, onStuck, onRepriced }: TrackOptions): Promise<TransactionReceipt> {
    const { client, clock, blockSeconds } = this.#components
    const begun = clock.monotonic()
    const stuckAfter = Math.max(STUCK_AFTER_MS, STUCK_AFTER_BLOCKS * blockSeconds * 1000)
    const longest = Math.min(POLL_MS.most, Math.max(POLL_MS.least, (blockSeconds * 1000) / 2))
    // Some chains mine a transaction at once, whatever their empty blocks take.
    let pause: number = POLL_MS.least
    const firstBlock = await getBlockNumber(client).catch(() => undefined)
    let isStuck = false
    for (;;) {
      signal.throwIfAborted()
      const receipt = (await this.#receipt()) ?? (await this.#replacement(from, firstBlock, onRepriced))
      if (receipt) return this.#succeeded(receipt)
      const age = clock.monotonic() - begun
      if (age > GIVE_UP_MS) throw new InfernetError('wallet.unreachable')
      if (age > stuckAfter && !isStuck) {
        isStuck = true
        onStuck()
      }
      await sleep(clock, millis(pause), { signal })
      pause = Math.min(longest, 1.5 * pause)
    }
  }

  /** A node that does not answer is asked again: what was sent is sent. */
  async #receipt(): Promise<TransactionReceipt | undefined> {
    for (const { hash } of this.#sent) {
      const found = await getTransactionReceipt(this.#components.client, { hash }).catch(absent)
      if (found) return found
    }
    return undefined
  }

  async #replacement(
    from: Address,
    firstBlock: bigint | undefined,
    onRepriced: (hash: Hash) => void,
  ): Promise<TransactionReceipt | undefined> {
    const { client } = this.#components
    await this.#learn()
    const nonce = this.#nonce
    if (nonce === undefined) return undefined
    const count = await getTransactionCount(client, { address: from, blockTag: 'latest' }).catch(() => 0)
    if (count <= nonce) return undefined
    // It may have come into a block between the two questions.
    const own = await this.#receipt()
    if (own) return own
    const other = await this.#findByNonce(from, nonce, firstBlock)
    if (other && this.#wanted && other.to === this.#wanted.to && other.input === this.#wanted.input) {
      this.add({ hash: other.hash, nonce })
      onRepriced(other.hash)
      return this.#receipt()
    }
    throw new InfernetError('wallet.replaced')
  }

  /** Number and contents, from a node that holds it: a wallet tells the hash alone. */
  async #learn(): Promise<void> {
    if (this.#nonce !== undefined && this.#wanted) return
    const found = await getTransaction(this.#components.client, { hash: this.last.hash }).catch(absent)
    if (!found) return
    this.#nonce = found.nonce
    this.#wanted = { to: found.to, input: found.input }
  }

  async #findByNonce(
    from: Address,
    nonce: number,
    firstBlock: bigint | undefined,
  ): Promise<Transaction | undefined> {
    const { client } = this.#components
    const latest = await getBlockNumber(client).catch(() => undefined)
    if (latest === undefined || firstBlock === undefined) return undefined
    const oldest = latest - firstBlock > REPLACEMENT_BLOCKS ? latest - REPLACEMENT_BLOCKS : firstBlock
    for (let blockNumber = latest; blockNumber >= oldest && blockNumber >= 0n; blockNumber--) {
      const block = await getBlock(client, { blockNumber, includeTransactions: true }).catch(() => undefined)
      const found = block?.transactions.find(
        (each) => each.from.toLowerCase() === from.toLowerCase() && each.nonce === nonce,
      )
      if (found) return found
    }
    return undefined
  }

  async #succeeded(receipt: TransactionReceipt): Promise<TransactionReceipt> {
    if (receipt.status === 'success') return receipt
    const { client } = this.#components
    try {
      const { from, to, input, value } = await getTransaction(client, { hash: receipt.transactionHash })
      await call(client, { account: from, to, data: input, value, blockNumber: receipt.blockNumber - 1n })
    } catch (thrown) {
      const failure = explainFailure(thrown)
      if (failure.code === 'wallet.reverted') throw failure
    }
    throw new InfernetError('wallet.reverted')
  }
}

function absent(thrown: unknown): undefined {
  if (thrown instanceof TransactionNotFoundError || thrown instanceof TransactionReceiptNotFoundError) return
  // A node that is down or confused is no news either way; the loop has its own end.
}
