import type { Address } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { chainAddress, type ChainAddress } from '#shared/base/ids.ts'
import { millis, type EpochMillis } from '#shared/base/units.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import type { BoxedLedger, ClaimBox } from '#shared/settle/claim-box.ts'
import { ClaimNotes, type ClaimState } from '#shared/settle/claim-notes.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { ClaimMetrics } from '../observe/claim-metrics.ts'
import type { Logger } from '../observe/log.ts'
import type { ClaimWatch } from './claim-watch.ts'
import { ClaimDispatch } from './claim-dispatch.ts'
import { ClaimRound, type EscrowDesk } from './claim-round.ts'
import { collectCall, sweepCall } from '#shared/chain/calls.ts'
import { refusalOf } from '#shared/chain/claim-refusal.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { COLLECT_EVERY_MS } from './limits.ts'
import { failureOf } from './round-end.ts'
import type { TransactionSender } from './transaction-sender.ts'

type Asset = NetworkFile['escrows'][number]

export interface CarrierComponents {
  readonly box: ClaimBox
  readonly views: ReadonlyMap<ChainAddress, ChainView>
  readonly escrowOf: (address: ChainAddress) => EscrowClient
  readonly sender: TransactionSender
  readonly clock: Clock
  readonly log: Logger
  /** The chain's time where that is ahead of ours: deadlines are the chain's. */
  readonly now: () => Promise<EpochMillis>
  readonly blockNumber: () => Promise<bigint>
  readonly watch: ClaimWatch
  readonly metrics: ClaimMetrics
}

export interface CarrierInit {
  readonly escrows: readonly Asset[]
  /** What a voucher must add before it is carried ahead of its time, in whole units of the asset, e.g. `0.5`. */
  readonly worth: string
  readonly everyMs: number
  /** Carries for the providers of this process alone. @default false */
  readonly isForOwn?: boolean
}

/**
 * Takes the vouchers of its box to the chain: when a voucher is worth the gas, and in the last quarter of the grace of a
 * withdrawal or a session whatever it is worth, as far as the chain answers, gas is there and its rounds reach. What it
 * claims belongs to the payees; the relay pays the gas and is credited the tip.
 */
export class ClaimCarrier {
  readonly #components: CarrierComponents
  readonly #init: CarrierInit
  readonly #desks: readonly EscrowDesk[]
  #timer: { stop(): void } | undefined
  #isStopped = false
  #round: Promise<void> = Promise.resolve()
  #collectedAt = Number.NEGATIVE_INFINITY

  constructor(components: CarrierComponents, init: CarrierInit) {
    this.#components = components
    this.#init = init
    this.#desks = init.escrows.flatMap((asset) => this.#deskOf(asset))
  }

  start(): void {
    this.#components.watch.takeOver(this.#ledgers)
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.stop()
    await this.#round
  }

  /** How the vouchers stand that this carries, those that are claimed among them. */
  get states(): ReadonlyMap<ClaimState, number> {
    const counts = new Map<ClaimState, number>()
    for (const desk of this.#desks)
      for (const boxed of this.#ledgersIn(desk.address))
        for (const held of boxed.ledger.vouchers) {
          const state = desk.notes.stateOf(held)
          counts.set(state, (counts.get(state) ?? 0) + 1)
        }
    return counts
  }

  /** Whether a full box may do without it: nobody will be paid for it, as far as was found. */
  isSpare({ escrow }: Pick<BoxedLedger, 'escrow'>, held: HeldVoucher): boolean {
    const state = this.#desks.find(({ address }) => address === escrow)?.notes.stateOf(held)
    return state === 'carried' || state === 'worthless'
  }

  get #ledgers(): readonly BoxedLedger[] {
    const { box } = this.#components
    return this.#init.isForOwn ? box.ledgers.filter((boxed) => box.isOwn(boxed)) : box.ledgers
  }

  #ledgersIn(escrow: ChainAddress): readonly BoxedLedger[] {
    return this.#ledgers.filter((boxed) => boxed.escrow === escrow)
  }

  #deskOf(asset: Asset): EscrowDesk[] {
    const { escrowOf, views, watch, sender, metrics, log } = this.#components
    const address = chainAddress(asset.escrow)
    const view = views.get(address)
    if (!view) return []
    const escrow = escrowOf(address)
    const notes = new ClaimNotes()
    const dispatch = new ClaimDispatch({ escrow, notes, watch, sender, metrics, log }, asset)
    return [{ asset, address, escrow, view, notes, dispatch }]
  }

  #schedule(): void {
    if (this.#isStopped) return
    this.#timer = this.#components.clock.schedule(millis(this.#init.everyMs), () => {
      this.#round = this.carry().finally(() => this.#schedule())
    })
  }

  /**
   * One round over all escrows. It begins when nothing of the last one is on its way any more, or a claim that is not
   * mined yet would be made a second time beside it. Never throws: how each escrow's round ended is in the metrics.
   */
  async carry(): Promise<void> {
    let unsettled: unknown
    await this.#components.sender.settled().catch((thrown: unknown) => (unsettled = thrown))
    for (const desk of this.#desks) {
      if (unsettled === undefined)
        await this.#carryTo(desk).catch((thrown: unknown) => this.#fail(desk, thrown))
      else this.#fail(desk, unsettled)
    }
  }

  async #carryTo(desk: EscrowDesk): Promise<void> {
    const { metrics, log } = this.#components
    const round = new ClaimRound({ ...this.#components, desk }, this.#init)
    const lines = this.#ledgersIn(desk.address).flatMap((boxed) =>
      boxed.ledger.vouchers.map((held) => ({ held, boxed })),
    )
    const end = await round.run(lines)
    metrics.round(desk.asset.symbol, end)
    log.debug({ asset: desk.asset.symbol, ...end }, 'a round of claims has ended')
    await this.#payOut(desk, round.worth, round.leastEach)
    await this.#collectOwn(desk, round.worth)
  }

  #fail({ asset }: EscrowDesk, thrown: unknown): void {
    const { metrics, log } = this.#components
    const reason = failureOf(thrown)
    metrics.round(asset.symbol, { outcome: 'failed', reason })
    log.warn({ err: thrown, asset: asset.symbol, reason }, 'claims could not be carried')
  }

  /** Notes what was claimed, and pays it out where that is worth the gas: a payee that is gone cannot. */
  async #payOut({ escrow, dispatch }: EscrowDesk, worth: bigint, leastEach: bigint): Promise<void> {
    const { watch, blockNumber } = this.#components
    const least = worth > leastEach ? worth : leastEach
    for (const held of await watch.tend(escrow, least, await blockNumber())) {
      try {
        await dispatch.send('sweep', sweepCall(escrow.address, toChainVoucher(held).voucher))
      } catch (thrown) {
        if (!refusalOf(thrown)) throw thrown // else somebody else has paid it out meanwhile
      }
    }
  }

  /** The relay's own: its share of what it introduced, and its tips. */
  async #collectOwn({ escrow, dispatch }: EscrowDesk, worth: bigint): Promise<void> {
    const { sender, clock } = this.#components
    const now = clock.monotonic()
    if (now - this.#collectedAt < COLLECT_EVERY_MS) return
    const owner: Address = sender.address
    const credit = await escrow.creditOf(owner)
    if (credit === 0n || credit < worth) return
    await dispatch.send('collect', collectCall(escrow.address, owner))
    this.#collectedAt = now
  }
}
