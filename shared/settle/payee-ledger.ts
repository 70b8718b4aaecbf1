import * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, epochMillis, type BaseUnits, type EpochMillis } from '../base/units.ts'
import {
  amountField,
  bytesUpTo,
  chainAddressField,
  epochMillisField,
  integer,
  modelHashField,
} from '../wire/fields.ts'
import { MAX_EPOCH } from './constants.ts'
import type { LedgerStore } from './ledger-store.ts'
import { readRecord, stored, updateRecord } from './stored.ts'
import type { EscrowId, PaymentLine, SignedVoucher } from './voucher.ts'

/** The best voucher of a line, and what was claimed of it. */
export interface HeldVoucher extends SignedVoucher {
  readonly claimed: BaseUnits
  /** When the session that signed it ends; undefined for the payer's own key. */
  readonly sessionExpiry: EpochMillis | undefined
}

const heldSchema = v.strictObject({
  payer: chainAddressField,
  signer: chainAddressField,
  relay: chainAddressField,
  model: modelHashField,
  epoch: integer(0, MAX_EPOCH),
  cumulative: amountField,
  signature: bytesUpTo(65),
  claimed: amountField,
  sessionExpiry: v.nullable(epochMillisField),
})
type Record = v.InferOutput<typeof heldSchema>

/**
 * The vouchers a provider holds: of each line the highest, which is worth all before it.
 *
 * `keep` resolves when the voucher is on record, and only then may it count: what is not on record is lost with the
 * tab. The chain knows what was claimed, so a crash between a claim and its note costs nothing.
 */
export class PayeeLedger {
  readonly #store: LedgerStore
  readonly #home: string
  readonly #provider: ChainAddress
  readonly #held = new Map<string, HeldVoucher>()
  /** Keys of each payer's lines in an epoch, because that sum is asked for at every voucher. */
  readonly #byPayer = new Map<string, Set<string>>()
  readonly #turns = new Map<string, Promise<void>>()

  private constructor(store: LedgerStore, { chainId, escrow }: EscrowId, provider: ChainAddress) {
    this.#store = store
    this.#provider = provider
    this.#home = `payee/${chainId}/${escrow}/${provider}/`
  }

  /**
   * Reads what is on record. A damaged entry is left out, and left where it is.
   *
   * @throws InfernetError `payment.no-record` when the store cannot be read.
   */
  static async load(store: LedgerStore, escrow: EscrowId, provider: ChainAddress): Promise<PayeeLedger> {
    const ledger = new PayeeLedger(store, escrow, provider)
    for (const [key, bytes] of await stored(() => store.list(ledger.#home))) {
      try {
        ledger.#set(key, ledger.#heldOf(readRecord(heldSchema, bytes)))
      } catch {
        continue // one bad entry must not cost all the others
      }
    }
    return ledger
  }

  /** Every line's best voucher. */
  get vouchers(): readonly HeldVoucher[] {
    return [...this.#held.values()]
  }

  held(line: PaymentLine): HeldVoucher | undefined {
    return this.#held.get(this.#keyOf(line))
  }

  /** What a payer has signed to us in an epoch and nobody has claimed yet, of all models. */
  unclaimedOf(payer: ChainAddress, epoch: number): BaseUnits {
    let sum = 0n
    for (const key of this.#byPayer.get(`${payer}/${epoch}`) ?? []) {
      const held = this.#held.get(key)
      if (held) sum += unclaimedIn(held)
    }
    return baseUnits(sum)
  }

  /** How many lines of a payer's epoch are held of which something is unclaimed. */
  openLinesOf(payer: ChainAddress, epoch: number): number {
    let count = 0
    for (const key of this.#byPayer.get(`${payer}/${epoch}`) ?? []) {
      const held = this.#held.get(key)
      if (held && unclaimedIn(held) > 0n) count++
    }
    return count
  }

  /** What was claimed of a payer's vouchers to us in an epoch, of all models. */
  claimedOf(payer: ChainAddress, epoch: number): BaseUnits {
    let sum = 0n
    for (const key of this.#byPayer.get(`${payer}/${epoch}`) ?? []) sum += this.#held.get(key)?.claimed ?? 0n
    return baseUnits(sum)
  }

  /** Puts a verified voucher on record. A lower one changes nothing. @throws InfernetError `payment.no-record` */
  async keep(
    signed: SignedVoucher,
    {
      sessionExpiry,
      claimed = baseUnits(0n),
    }: { sessionExpiry: EpochMillis | undefined; claimed?: BaseUnits },
  ): Promise<void> {
    await this.#update(signed.voucher, (present) => {
      if (present && present.cumulative >= signed.voucher.cumulative) return recordOf(this.#heldOf(present))
      const known = present && present.claimed > claimed ? present.claimed : claimed
      return recordOf({ ...signed, claimed: known, sessionExpiry })
    })
  }

  /** Notes what the chain says was claimed of a line. @throws InfernetError `payment.no-record` */
  async noteClaimed(line: PaymentLine, claimed: BaseUnits): Promise<void> {
    if (!this.held(line)) return
    await this.#update(line, (present) => {
      const held = present ? this.#heldOf(present) : this.held(line)
      if (!held) throw new Error('the line went away')
      return recordOf({ ...held, claimed: claimed > held.claimed ? claimed : held.claimed })
    })
  }

  /** Takes what the chain says for what was claimed, also when that is less: a fork may have undone a claim. */
  async correctClaimed(line: PaymentLine, claimed: BaseUnits): Promise<void> {
    if (!this.held(line)) return
    await this.#update(line, (present) => {
      const held = present ? this.#heldOf(present) : this.held(line)
      if (!held) throw new Error('the line went away')
      return recordOf({ ...held, claimed })
    })
  }

  /**
   * Drops a line that is worth nothing any more: claimed in full, or of an epoch that has ended.
   *
   * @param upTo the voucher that is worth nothing: a higher one that has come meanwhile is kept. @default any
   */
  async forget(line: PaymentLine, upTo?: BaseUnits): Promise<void> {
    const key = this.#keyOf(line)
    await this.#inTurn(key, async () => {
      const held = this.held(line)
      if (held && upTo !== undefined && held.voucher.cumulative > upTo) return
      await stored(() => this.#store.delete(key))
      this.#held.delete(key)
      const name = `${line.payer}/${line.epoch}`
      this.#byPayer.get(name)?.delete(key)
      if (this.#byPayer.get(name)?.size === 0) this.#byPayer.delete(name)
    })
  }

  async #update(line: PaymentLine, change: (present: Record | undefined) => unknown): Promise<void> {
    const key = this.#keyOf(line)
    await this.#inTurn(key, async () => {
      const record = await updateRecord(this.#store, key, heldSchema, change)
      this.#set(key, this.#heldOf(record))
    })
  }

  /** What is done to one line is done one after the other, or a voucher could come between a look and a removal. */
  async #inTurn(key: string, step: () => Promise<void>): Promise<void> {
    const done = (this.#turns.get(key) ?? Promise.resolve()).then(step)
    const turn = done.catch(() => undefined)
    this.#turns.set(key, turn)
    try {
      await done
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  #set(key: string, held: HeldVoucher): void {
    this.#held.set(key, held)
    const name = `${held.voucher.payer}/${held.voucher.epoch}`
    this.#byPayer.set(name, (this.#byPayer.get(name) ?? new Set()).add(key))
  }

  #heldOf({ signer, signature, claimed, sessionExpiry, ...voucher }: Record): HeldVoucher {
    return {
      voucher: { ...voucher, provider: this.#provider },
      signer,
      signature,
      claimed,
      sessionExpiry: sessionExpiry === null ? undefined : epochMillis(sessionExpiry),
    }
  }

  #keyOf({ payer, epoch, model }: PaymentLine): string {
    return `${this.#home}${payer}/${epoch}/${model}`
  }
}

/** What a held voucher is worth on the chain. */
export function unclaimedIn({ voucher, claimed }: HeldVoucher): BaseUnits {
  return baseUnits(voucher.cumulative > claimed ? voucher.cumulative - claimed : 0n)
}

function recordOf({ voucher, signer, signature, claimed, sessionExpiry }: HeldVoucher): unknown {
  return {
    payer: fromHex(voucher.payer.slice(2)),
    signer: fromHex(signer.slice(2)),
    relay: fromHex(voucher.relay.slice(2)),
    model: fromHex(voucher.model),
    epoch: voucher.epoch,
    cumulative: amountToBytes(voucher.cumulative),
    signature,
    claimed: amountToBytes(claimed),
    sessionExpiry: sessionExpiry ?? null,
  }
}
