import { parseUnits, type Address, type TransactionReceipt } from 'viem'
import type { ChainAddress } from '#shared/base/ids.ts'
import { chainAddress } from '#shared/base/ids.ts'
import type { Clock } from '#shared/base/clock.ts'
import { baseUnits, millis, SECOND_MS, type EpochMillis } from '#shared/base/units.ts'
import type { ChainAccount, ChainView } from '#shared/settle/chain-view.ts'
import type { BoxedLedger, ClaimBox } from '#shared/settle/claim-box.ts'
import { CLAIM_WORTH_FACTOR } from '#shared/settle/constants.ts'
import type { NetworkFile } from '#shared/settle/network-file.ts'
import { unclaimedIn, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import { planClaims } from '#shared/settle/plan-claims.ts'
import type { Logger } from '../observe/log.ts'
import type { CaredLine, ClaimAftercare } from './claim-aftercare.ts'
import { refusalOf, type EscrowClient } from './escrow-client.ts'
import { forEachOf } from './for-each-of.ts'
import { CARRY_LOOK_LINES, CARRY_PARALLEL, COLLECT_EVERY_MS, MAX_CARRY_TRIES } from './limits.ts'
import type { TransactionSender } from './transaction-sender.ts'

type Asset = NetworkFile['escrows'][number]

/** What became of a voucher; the labels of the metric. */
export type CarryResult = 'carried' | 'void' | 'waiting' | 'failed'

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
  readonly aftercare: ClaimAftercare
  readonly onResult?: (result: CarryResult) => void
}

export interface CarrierInit {
  readonly escrows: readonly Asset[]
  /** What a voucher must add before it is carried ahead of its time, in whole units of the asset, e.g. `0.5`. */
  readonly worth: string
  readonly everyMs: number
  /** Carries for the providers of this process alone. @default false */
  readonly isForOwn?: boolean
}

/** A line as it is now: what the chain says of its payer and its session. */
interface Line extends CaredLine {
  readonly account: ChainAccount
}

/** What the contract says of a voucher that can never be claimed any more. */
const VOID = new Set(['WrongEpoch', 'InvalidSignature', 'SessionExpired', 'DefaultClosed'])

/**
 * Takes the vouchers of its box to the chain: when a voucher is worth the gas, and always before the payer's withdrawal
 * or the session's grace ends. What it claims belongs to the payees; the relay pays the gas and is credited the tip.
 */
export class ClaimCarrier {
  readonly #components: CarrierComponents
  readonly #init: CarrierInit
  #timer: { stop(): void } | undefined
  #isStopped = false
  #round: Promise<void> = Promise.resolve()
  #from = 0
  #collectedAt = Number.NEGATIVE_INFINITY

  constructor(components: CarrierComponents, init: CarrierInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    this.#components.aftercare.takeOver(this.#ledgers)
    this.#schedule()
  }

  get #ledgers(): readonly BoxedLedger[] {
    const { box } = this.#components
    return this.#init.isForOwn ? box.ledgers.filter((boxed) => box.isOwn(boxed)) : box.ledgers
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.stop()
    await this.#round
  }

  #schedule(): void {
    if (this.#isStopped) return
    const { clock, log } = this.#components
    this.#timer = clock.schedule(millis(this.#init.everyMs), () => {
      this.#round = this.carry()
        .catch((thrown: unknown) => log.warn({ err: thrown }, 'claims could not be carried'))
        .finally(() => this.#schedule())
    })
  }

  /**
   * One round over all escrows. It begins when nothing of the last one is on its way any more, or a claim that is not
   * mined yet would be made a second time beside it.
   */
  async carry(): Promise<void> {
    await this.#components.sender.settled()
    for (const asset of this.#init.escrows) await this.#carryTo(asset)
  }

  async #carryTo(asset: Asset): Promise<void> {
    const address = chainAddress(asset.escrow)
    const escrow = this.#components.escrowOf(address)
    const block = await this.#components.blockNumber()
    const lines = await this.#look(address, block)
    const worth = parseUnits(this.#init.worth, asset.decimals)
    const graceMs = millis((await escrow.graceSeconds()) * SECOND_MS)
    const accounts = new Map(lines.map(({ held, account }) => [held, account]))
    const { aftercare } = this.#components
    // In doubt a line takes no other one's place in the batch, but is asked about until it is sure.
    const sound = lines.filter((line) => !aftercare.isDoubted(line)).map(({ held }) => held)
    const { claims } = planClaims(sound, {
      now: await this.#components.now(),
      costs: { perBatch: baseUnits(0n), perVoucher: baseUnits(worth / CLAIM_WORTH_FACTOR) },
      graceMs,
      withdrawAtOf: (held) => accounts.get(held)?.withdrawAt,
    })
    const chosen = new Set(claims)
    const batch = await this.#check(
      escrow,
      lines.filter((line) => chosen.has(line.held) || aftercare.isDoubted(line)),
      block,
    )
    if (batch.length > 0) await this.#claim(escrow, batch)
    await this.#payOut(escrow, worth)
    await this.#collectOwn(escrow, worth)
  }

  /** A part of the lines, the next part in the next round; those of an epoch that has ended are forgotten. */
  async #look(escrow: ChainAddress, block: bigint): Promise<readonly Line[]> {
    const { views } = this.#components
    const view = views.get(escrow)
    const all = this.#ledgers.filter((boxed) => boxed.escrow === escrow).flatMap(linesOf)
    if (!view || all.length === 0) return []
    const start = all.length > CARRY_LOOK_LINES ? this.#from % all.length : 0
    const part = [...all.slice(start), ...all.slice(0, start)].slice(0, CARRY_LOOK_LINES)
    this.#from = start + part.length
    const lines: Line[] = []
    await forEachOf(part, CARRY_PARALLEL, async ({ held, boxed }) => {
      const { payer, epoch } = held.voucher
      const account = await view.account(payer)
      if (account.epoch > epoch) return this.#drop({ held, boxed }, block)
      // A session that was revoked ends earlier than it said when the voucher came.
      const session = held.signer === payer ? undefined : await view.session(payer, held.signer)
      lines.push({ held: { ...held, sessionExpiry: session?.expiry }, boxed, account })
    })
    return lines
  }

  /** What the contract itself would pay; what it never will is dropped, what it will not yet waits. */
  async #check(escrow: EscrowClient, lines: readonly Line[], block: bigint): Promise<readonly Line[]> {
    const { aftercare, onResult } = this.#components
    const good: Line[] = []
    await forEachOf(lines, CARRY_PARALLEL, async (line) => {
      const said = await escrow.claimable(line.held)
      if (typeof said !== 'bigint' && VOID.has(said.name)) return this.#drop(line, block)
      aftercare.trust(line)
      if (typeof said === 'bigint') {
        if (said > 0n) good.push(line)
      } else if (said.name === 'StaleVoucher') aftercare.watch(line, { isPaidOut: false })
      else onResult?.('waiting')
    })
    return good
  }

  /** Claims all at once. Others may claim at the same time: the voucher that spoils the batch is left out. */
  async #claim(escrow: EscrowClient, lines: readonly Line[]): Promise<void> {
    const { aftercare, sender, log, onResult } = this.#components
    for (const line of lines) aftercare.watch(line, { isPaidOut: true })
    let batch = [...lines]
    for (let tries = 0; batch.length > 0 && tries < MAX_CARRY_TRIES; tries++) {
      let receipt: TransactionReceipt
      try {
        const sent = await sender.send(escrow.claim(batch.map(({ held }) => held)))
        receipt = await sent.mined
      } catch (thrown) {
        const refusal = refusalOf(thrown)
        if (!refusal) {
          onResult?.('failed')
          throw thrown
        }
        batch = batch.toSpliced(refusal.index, 1)
        continue
      }
      if (receipt.status === 'success') {
        log.info({ vouchers: batch.length, hash: receipt.transactionHash }, 'claims carried')
        batch.forEach(() => onResult?.('carried'))
        return
      }
    }
  }

  /** Notes what was claimed, and pays it out where that is worth the gas: a payee that is gone cannot. */
  async #payOut(escrow: EscrowClient, worth: bigint): Promise<void> {
    const { aftercare, blockNumber, sender } = this.#components
    const pots = await aftercare.tend(escrow, worth, await blockNumber())
    for (const held of pots) {
      try {
        await (
          await sender.send(escrow.sweep(held))
        ).mined
      } catch (thrown) {
        if (!refusalOf(thrown)) throw thrown // else somebody else has paid it out meanwhile
      }
    }
  }

  /** The relay's own: its share of what it introduced, and its tips. */
  async #collectOwn(escrow: EscrowClient, worth: bigint): Promise<void> {
    const { sender, clock } = this.#components
    const now = clock.monotonic()
    if (now - this.#collectedAt < COLLECT_EVERY_MS) return
    const owner: Address = sender.address
    const credit = await escrow.creditOf(owner)
    if (credit === 0n || credit < worth) return
    await (
      await sender.send(escrow.collect(owner))
    ).mined
    this.#collectedAt = now
  }

  async #drop(line: CaredLine, block: bigint): Promise<void> {
    const { aftercare, onResult } = this.#components
    if (await aftercare.dropWhenSure(line, block)) onResult?.('void')
  }
}

function linesOf(boxed: BoxedLedger): { held: HeldVoucher; boxed: BoxedLedger }[] {
  return boxed.ledger.vouchers.filter((held) => unclaimedIn(held) > 0n).map((held) => ({ held, boxed }))
}
