import * as v from 'valibot'
import { amountToBytes } from '../base/bytes.ts'
import { chainAddress, modelHash, type ChainAddress } from '../base/ids.ts'
import { baseUnits, type BaseUnits } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { amountField } from '../wire/fields.ts'
import type { Funds } from './check-funds.ts'
import { MAX_CHAIN_AMOUNT, MAX_RECKONED_LINES } from './constants.ts'
import type { LedgerStore } from './ledger-store.ts'
import { readRecord, stored, updateRecord } from './stored.ts'
import type { EscrowId, PaymentLine } from './voucher.ts'

/** A line as it stands on record. */
export interface PayerLine extends PaymentLine {
  /** Everything that was ever signed for it, in this epoch. */
  readonly cumulative: BaseUnits
  /** What was seen claimed of it. */
  readonly claimed: BaseUnits
}

const lineSchema = v.strictObject({ cumulative: amountField, claimed: amountField })
/** Of all lines of an epoch together; after a crash `signed` may count a chunk that was never handed out. */
const purseSchema = v.strictObject({ signed: amountField, claimed: amountField })

const line = (cumulative: bigint, claimed: bigint): unknown => ({
  cumulative: amountToBytes(cumulative),
  claimed: amountToBytes(claimed),
})
const purse = (signed: bigint, claimed: bigint): unknown => ({
  signed: amountToBytes(signed),
  claimed: amountToBytes(claimed),
})

/**
 * What a payer has signed, per escrow, epoch, provider and model, in a store that several tabs may share.
 *
 * Amounts are taken out of the purse before they are added to a line, and added to the line before anything is signed:
 * a crash in between may cost the payer the amount in hand (one chunk at most), and never makes it sign for more than
 * it has, or a voucher lower than one before.
 */
export class PayerLedger {
  readonly #store: LedgerStore
  readonly #home: string

  constructor(store: LedgerStore, { chainId, escrow }: EscrowId, payer: ChainAddress) {
    this.#store = store
    this.#home = `payer/${chainId}/${escrow}/${payer}`
  }

  /**
   * Adds to a line and gives what it comes to; from here on the amount counts as spent.
   *
   * @throws InfernetError `payment.no-deposit` or `payment.session-spent` when the funds do not cover it,
   * `payment.no-record` when the store fails: then nothing may be signed.
   */
  async add(to: PaymentLine, amount: BaseUnits, funds: Funds): Promise<BaseUnits> {
    if (amount > 0n) await this.#takeOut(to.epoch, amount, funds)
    const { cumulative } = await updateRecord(this.#store, this.#lineKey(to), lineSchema, (present) => {
      const sum = (present?.cumulative ?? 0n) + amount
      if (sum > MAX_CHAIN_AMOUNT) throw new InfernetError('payment.no-deposit')
      return line(sum, present?.claimed ?? 0n)
    })
    return cumulative
  }

  /** Takes up an amount that was signed and forgotten here. Lower ones change nothing. */
  async raise(to: PaymentLine, cumulative: BaseUnits): Promise<void> {
    const known = (await this.#read(to))?.cumulative ?? 0n
    if (cumulative <= known) return
    await updateRecord(this.#store, this.#purseKey(to.epoch), purseSchema, (present) =>
      purse((present?.signed ?? 0n) + cumulative - known, present?.claimed ?? 0n),
    )
    await updateRecord(this.#store, this.#lineKey(to), lineSchema, (present) => {
      const before = present?.cumulative ?? 0n
      return line(cumulative > before ? cumulative : before, present?.claimed ?? 0n)
    })
  }

  /** What is signed and not claimed yet, of all lines of an epoch. */
  async outstanding(epoch: number): Promise<BaseUnits> {
    const bytes = await stored(() => this.#store.get(this.#purseKey(epoch)))
    if (!bytes) return baseUnits(0n)
    const { signed, claimed } = readRecord(purseSchema, bytes)
    return baseUnits(signed - claimed)
  }

  /** Every line of an epoch, for a page and for a reckoning. */
  async lines(epoch: number): Promise<readonly PayerLine[]> {
    const prefix = `${this.#home}/${epoch}/line/`
    const entries = await stored(() => this.#store.list(prefix))
    return entries.map(([key, bytes]) => {
      const [provider = '', model = ''] = key.slice(prefix.length).split('/')
      const payer = chainAddress(this.#home.slice(this.#home.lastIndexOf('/') + 1))
      const record = readRecord(lineSchema, bytes)
      return { payer, epoch, provider: chainAddress(provider), model: modelHash(model), ...record }
    })
  }

  /**
   * Learns what was claimed meanwhile, which frees as much of the purse, and what a fork undid, which takes it back.
   * The account must be read anew after this, not before: a balance from before a claim, with the claim counted, would
   * be money twice.
   */
  async reckon(epoch: number, claimedOf: (line: PaymentLine) => Promise<BaseUnits>): Promise<void> {
    const lines = (await this.lines(epoch)).toSorted((a, b) => compare(openOf(b), openOf(a)))
    for (const each of lines.slice(0, MAX_RECKONED_LINES)) {
      const seen = await claimedOf(each)
      await updateRecord(this.#store, this.#lineKey(each), lineSchema, (present) => {
        const { cumulative } = present ?? each
        return line(cumulative, seen < cumulative ? seen : cumulative) // a chain that says more is wrong or lying
      })
    }
    const claimed = (await this.lines(epoch)).reduce((total, each) => total + each.claimed, 0n)
    await updateRecord(this.#store, this.#purseKey(epoch), purseSchema, (present) => {
      const signed = present?.signed ?? 0n
      return purse(signed > claimed ? signed : claimed, claimed)
    })
  }

  async #takeOut(epoch: number, amount: BaseUnits, { room, limitedBy }: Funds): Promise<void> {
    await updateRecord(this.#store, this.#purseKey(epoch), purseSchema, (present) => {
      const { signed, claimed } = present ?? { signed: 0n, claimed: 0n }
      const free = room - (signed - claimed)
      if (amount > free) throw new InfernetError(limitedBy, { needed: String(amount), free: String(free) })
      return purse(signed + amount, claimed)
    })
  }

  async #read(of: PaymentLine): Promise<v.InferOutput<typeof lineSchema> | undefined> {
    const bytes = await stored(() => this.#store.get(this.#lineKey(of)))
    return bytes && readRecord(lineSchema, bytes)
  }

  #purseKey(epoch: number): string {
    return `${this.#home}/${epoch}/purse`
  }

  #lineKey({ epoch, provider, model }: PaymentLine): string {
    return `${this.#home}/${epoch}/line/${provider}/${model}`
  }
}

const openOf = ({ cumulative, claimed }: PayerLine): bigint => cumulative - claimed
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
