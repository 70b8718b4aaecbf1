import type { Hash } from 'viem'
import type { TransactionRecord } from '../../wallet/transaction-record.ts'
import type { MovedEntry } from './money-entries.ts'

/** Where an act's entry is kept. */
export interface EntryKeeper {
  /** @throws InfernetError `wallet.no-record` where it could not be written down */
  write(entry: MovedEntry): Promise<void>
  remove(id: string): Promise<void>
  /** Whether a hash belongs to another entry. */
  isForeign(hash: Hash, id: string): boolean
  /** Whether something that this account's wallet may still send is not decided. */
  hasDoubt(wallet: string): boolean
  /** The numbers of what was signed for this account and may never have reached a node. */
  doubtfulNonces(wallet: string): readonly number[]
}

/** The one entry of an act, whatever number of transactions it needs. */
export class ActEntry {
  readonly #keeper: EntryKeeper
  readonly #blank: MovedEntry
  #entry: MovedEntry | undefined
  /** As it stood before the transaction that is under way. */
  #before: MovedEntry | undefined

  /** @param blank what is known before anything is sent; or the entry as it was left open */
  constructor(keeper: EntryKeeper, blank: MovedEntry) {
    this.#keeper = keeper
    this.#blank = blank
    this.#entry = blank.transaction && blank
  }

  get id(): string {
    return this.#blank.id
  }

  isForeign(hash: Hash): boolean {
    return this.#keeper.isForeign(hash, this.id)
  }

  async note(record: TransactionRecord | undefined, hasMore: boolean): Promise<void> {
    if (!record) return this.#takeBack()
    if (this.#entry?.state === 'partial') this.#before = this.#entry
    const hash = record.hashes.at(-1)
    const state = record.state === 'mined' && hasMore ? 'partial' : record.state
    const entry: MovedEntry = {
      ...this.#blank,
      wallet: record.paidBy?.toLowerCase() ?? this.#blank.wallet,
      hash,
      state,
      block: record.block,
      transaction: record,
      hasMore,
    }
    await this.#keeper.write(entry)
    this.#entry = entry
  }

  /** The act is over, and did what it should: what is left out was not needed. */
  async done(): Promise<void> {
    if (this.#entry?.state === 'partial')
      await this.#keeper.write({ ...this.#entry, state: 'mined', hasMore: false })
  }

  async #takeBack(): Promise<void> {
    this.#entry = this.#before
    if (this.#before) await this.#keeper.write(this.#before)
    else await this.#keeper.remove(this.id)
  }
}
