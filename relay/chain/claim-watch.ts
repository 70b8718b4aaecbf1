import type { ChainAddress } from '#shared/base/ids.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { BoxedLedger, ClaimBox } from '#shared/settle/claim-box.ts'
import { unclaimedIn, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { PaymentLine } from '#shared/settle/voucher.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { CARRY_LOOK_LINES, CARRY_PARALLEL, REORG_BLOCKS } from './limits.ts'
import { forEachOf } from './for-each-of.ts'

/** A line of a ledger. */
export interface WatchedLine {
  readonly held: HeldVoucher
  readonly boxed: BoxedLedger
}

export interface ClaimWatchComponents {
  readonly box: Pick<ClaimBox, 'drop' | 'isOwn'>
  readonly views: ReadonlyMap<ChainAddress, ChainView>
  /** Called before less is unclaimed of a line: whoever counts on a balance from before the claim reads it anew. */
  readonly beforeNote?: ((line: PaymentLine) => Promise<unknown>) | undefined
  /** Told of what the chain paid of a line since it was last looked at, each unit once, whatever blocks are undone. */
  readonly onPaid?: ((escrow: ChainAddress, line: PaymentLine, amount: bigint) => void) | undefined
}

interface Case {
  readonly boxed: BoxedLedger
  readonly line: PaymentLine
  /** The block at which it was last seen to change; undefined until it is looked at. */
  since: bigint | undefined
  /** What was told of as paid. */
  told: bigint
  /** Whether its pot is paid out: where this relay claimed, or another run of it may have. */
  readonly isPaidOut: boolean
}

/**
 * What becomes of a claim after it was sent. A receipt is a block's word, and blocks are undone; a relay may be stopped
 * between claim and payout. So the chain is asked again until the block is deep: a claim that is gone is made again, a
 * pot that was filled is paid out.
 */
export class ClaimWatch {
  readonly #components: ClaimWatchComponents
  readonly #cases = new Map<string, Case>()
  /** Lines that a block said are worth nothing, and the block that said so first. */
  readonly #doubted = new Map<string, bigint>()

  constructor(components: ClaimWatchComponents) {
    this.#components = components
  }

  /** Takes in what another run of this relay may have left half done. */
  takeOver(ledgers: readonly BoxedLedger[]): void {
    for (const boxed of ledgers)
      for (const held of boxed.ledger.vouchers) this.watch({ held, boxed }, { isPaidOut: true })
  }

  /** To be called before a claim is sent: what comes of it may never be heard. */
  watch({ held: { voucher, claimed }, boxed }: WatchedLine, { isPaidOut }: { isPaidOut: boolean }): void {
    const key = keyOf(boxed, voucher)
    const known = this.#cases.get(key)
    this.#cases.delete(key)
    this.#cases.set(key, {
      ...{ boxed, line: voucher, since: undefined, told: known?.told ?? claimed },
      isPaidOut: isPaidOut || (known?.isPaidOut ?? false),
    })
  }

  /**
   * Drops a voucher that the chain says can never be claimed, once it has said so over as many blocks as may be undone:
   * the deposit or the session that it needs may be in a block that comes back.
   *
   * @returns whether it was dropped
   */
  async dropWhenSure({ held, boxed }: WatchedLine, block: bigint): Promise<boolean> {
    const key = keyOf(boxed, held.voucher)
    const since = this.#doubted.get(key) ?? block
    this.#doubted.set(key, since)
    if (block - since < REORG_BLOCKS) return false
    this.#forget(key)
    await this.#components.box.drop(boxed, held)
    return true
  }

  isDoubted({ held, boxed }: WatchedLine): boolean {
    return this.#doubted.has(keyOf(boxed, held.voucher))
  }

  /** The chain would pay it after all. */
  trust({ held, boxed }: WatchedLine): void {
    this.#doubted.delete(keyOf(boxed, held.voucher))
  }

  /**
   * Looks at the watched lines of an escrow, those first that wait the longest, and notes what the chain counts of them.
   *
   * @returns a voucher of each pot that holds enough to be paid out
   */
  async tend(escrow: EscrowClient, worth: bigint, block: bigint): Promise<readonly HeldVoucher[]> {
    const all = [...this.#cases].filter(([, { boxed }]) => boxed.escrow === escrow.address)
    const part = all.slice(0, CARRY_LOOK_LINES)
    const pots = new Map<string, HeldVoucher>()
    await forEachOf(part, CARRY_PARALLEL, async ([key, each]) => {
      const held = each.boxed.ledger.held(each.line)
      if (!held) return this.#forget(key)
      await this.#note(each, held, block)
      const { provider, model, relay } = held.voucher
      const gross = each.isPaidOut ? (await escrow.potOf(toChainVoucher(held).voucher)).gross : 0n
      if (gross > 0n && gross >= worth) {
        pots.set(`${provider} ${model} ${relay}`, held)
        each.since = block // the payout may be undone as well
      }
      this.#cases.delete(key) // and last in the row, unless that was enough
      const isDeep = each.since !== undefined && block - each.since >= REORG_BLOCKS
      if (!isDeep) this.#cases.set(key, each)
      else await this.#letGo(each)
    })
    return [...pots.values()]
  }

  async #note(each: Case, held: HeldVoucher, block: bigint): Promise<void> {
    const { beforeNote, views } = this.#components
    const claimed = await views.get(each.boxed.escrow)?.claimed(each.line, { isFresh: true })
    each.since ??= block
    if (claimed !== undefined && claimed > each.told) {
      this.#components.onPaid?.(each.boxed.escrow, each.line, claimed - each.told)
      each.told = claimed
    }
    if (claimed === undefined || claimed === held.claimed) return
    each.since = block
    if (claimed > held.claimed) await beforeNote?.(each.line)
    await each.boxed.ledger.correctClaimed(each.line, claimed)
  }

  /** Of a provider in this process nothing is kept that was claimed in full: it would be kept for ever. */
  async #letGo({ boxed, line }: Case): Promise<void> {
    const held = boxed.ledger.held(line)
    const isOver = held !== undefined && unclaimedIn(held) === 0n && this.#components.box.isOwn(boxed)
    if (isOver) await this.#components.box.drop(boxed, held)
  }

  #forget(key: string): void {
    this.#cases.delete(key)
    this.#doubted.delete(key)
  }
}

function keyOf({ escrow }: BoxedLedger, { payer, provider, model, epoch }: PaymentLine): string {
  return `${escrow} ${payer} ${provider} ${model} ${epoch}`
}
