import type { Clock } from '#shared/base/clock.ts'
import { millis, SECOND_MS, type BaseUnits } from '#shared/base/units.ts'
import { unclaimedIn, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'

/** How long a voucher may lie here alone. Who closes the tab within it finds it here again. */
const KEEP_EVERY_MS = 5 * SECOND_MS

export interface VoucherBackupComponents {
  readonly clock: Clock
  readonly vouchers: () => readonly HeldVoucher[]
  /** Leaves them with every relay that is there; gives those that one at least keeps. */
  readonly leave: (vouchers: readonly SignedVoucher[]) => Promise<readonly SignedVoucher[]>
}

/** Leaves each new voucher with this tab's relays, so that it is paid although the tab never comes back. */
export class VoucherBackup {
  readonly #components: VoucherBackupComponents
  /** What was left last of each line. */
  readonly #left = new Map<string, BaseUnits>()
  #timer: { stop(): void } | undefined
  #keeping: Promise<void> | undefined

  constructor(components: VoucherBackupComponents) {
    this.#components = components
  }

  start(): void {
    this.#timer ??= this.#components.clock.schedule(millis(KEEP_EVERY_MS), () => {
      this.#timer = undefined
      void this.keep()
      this.start()
    })
  }

  /** Leaves what is new, the last time. */
  async stop(): Promise<void> {
    this.#timer?.stop()
    this.#timer = undefined
    await this.keep()
  }

  /** Leaves what is new now. Never throws: what no relay took is tried again. */
  keep(): Promise<void> {
    // What came while others are on their way goes right after them: the tab may be gone before the next beat.
    if (this.#keeping) return this.#keeping.then(() => this.keep())
    this.#keeping = this.#keep().finally(() => (this.#keeping = undefined))
    return this.#keeping
  }

  async #keep(): Promise<void> {
    const { vouchers, leave } = this.#components
    const fresh = vouchers().filter(
      (held) => unclaimedIn(held) > 0n && held.voucher.cumulative > (this.#left.get(nameOf(held)) ?? 0n),
    )
    if (fresh.length === 0) return
    const kept = await leave(fresh).catch(() => [])
    for (const each of kept) this.#left.set(nameOf(each), each.voucher.cumulative)
  }
}

function nameOf({ voucher: { payer, epoch, model } }: SignedVoucher): string {
  return `${payer} ${epoch} ${model}`
}
