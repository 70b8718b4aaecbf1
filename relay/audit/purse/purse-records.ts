import * as v from 'valibot'
import { amountToBytes, fromHex } from '#shared/base/bytes.ts'
import type { ChainAddress } from '#shared/base/ids.ts'
import { epochMillis, type EpochMillis } from '#shared/base/units.ts'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import { readRecord, stored, updateRecord } from '#shared/settle/stored.ts'
import { amountField, chainAddressField, epochMillisField } from '#shared/wire/fields.ts'

/** Operators that a purse may have met: more than there are probes in the life of a purse. */
const MAX_MET = 4096

const recordSchema = v.strictObject({
  state: v.picklist(['filling', 'open', 'returning']),
  amount: amountField,
  /** When its session ends; 0 until it is filled. */
  endsAt: epochMillisField,
  /** Who was probed with it, and so may know it. */
  met: v.pipe(v.array(chainAddressField), v.maxLength(MAX_MET)),
})
const countSchema = v.strictObject({ made: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })

export interface PurseRecord {
  readonly state: 'filling' | 'open' | 'returning'
  readonly amount: bigint
  readonly endsAt: EpochMillis
  readonly met: readonly ChainAddress[]
}

const PREFIX = 'audit/purse/'
const COUNT = 'audit/purses'

/** What is known of the purses, on the disk before it is acted upon. All throw InfernetError `payment.no-record`. */
export class PurseRecords {
  readonly #store: LedgerStore

  constructor(store: LedgerStore) {
    this.#store = store
  }

  /** Those whose money is not back. */
  async all(): Promise<ReadonlyMap<number, PurseRecord>> {
    const entries = await stored(() => this.#store.list(PREFIX))
    return new Map(
      entries.map(([key, bytes]) => [Number(key.slice(PREFIX.length)), readRecord(recordSchema, bytes)]),
    )
  }

  /** The number of a new one: none is used twice, since each is an account. */
  async make(amount: bigint): Promise<number> {
    const { made } = await updateRecord(this.#store, COUNT, countSchema, (present) => ({
      made: (present?.made ?? 0) + 1,
    }))
    await this.put(made, { state: 'filling', amount, endsAt: epochMillis(0), met: [] })
    return made
  }

  async put(index: number, { state, amount, endsAt, met }: PurseRecord): Promise<void> {
    const known = met.slice(-MAX_MET).map((operator) => fromHex(operator.slice(2)))
    const record = { state, amount: amountToBytes(amount), endsAt, met: known }
    await updateRecord(this.#store, `${PREFIX}${index}`, recordSchema, () => record)
  }

  /** Its money is back. */
  async drop(index: number): Promise<void> {
    await stored(() => this.#store.delete(`${PREFIX}${index}`))
  }
}
