import { formatEther, formatUnits, type TransactionReceipt } from 'viem'
import type { ChainAddress } from '#shared/base/ids.ts'
import type { ClaimNotes } from '#shared/settle/claim-notes.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { siftClaims } from '#shared/settle/sift-claims.ts'
import type { ClaimMetrics, CarryUse } from '../observe/claim-metrics.ts'
import type { Logger } from '../observe/log.ts'
import type { WatchedLine, ClaimWatch } from './claim-watch.ts'
import { readBrought } from '#shared/chain/claim-receipt.ts'
import { claimCall, type Call } from '#shared/chain/calls.ts'
import { refusalOf } from '#shared/chain/claim-refusal.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { MAX_CARRY_BATCHES, MAX_CARRY_REST_ROUNDS, MAX_STRUCK_OPERATORS } from './limits.ts'
import type { TransactionSender } from './transaction-sender.ts'

export interface DispatchComponents {
  readonly escrow: EscrowClient
  readonly notes: ClaimNotes
  readonly watch: ClaimWatch
  readonly sender: TransactionSender
  readonly metrics: ClaimMetrics
  readonly log: Logger
}

/** What a round sent, in vouchers. */
export interface Dispatched {
  readonly carried: number
  readonly reverted: number
}

interface Strike {
  /** Transactions of its own that a block reverted, in a row. */
  readonly count: number
  readonly restsUntil: number
}

/**
 * Sends claims. What the chain would refuse is left out before, at no gas; and whoever was in a transaction that a block
 * reverted all the same is carried apart from all others until that goes well, ever less often.
 */
export class ClaimDispatch {
  readonly #components: DispatchComponents
  readonly #asset: NetworkFile['escrows'][number]
  readonly #struck = new Map<ChainAddress, Strike>()
  #round = 0

  constructor(components: DispatchComponents, asset: NetworkFile['escrows'][number]) {
    this.#components = components
    this.#asset = asset
  }

  /** Begins a round: whoever is apart has waited one more. */
  begin(): void {
    this.#round++
  }

  /** Whether nothing of that provider is carried in this round, because of what its vouchers did before. */
  isResting(provider: ChainAddress): boolean {
    return (this.#struck.get(provider)?.restsUntil ?? 0) > this.#round
  }

  /** @throws when the chain does not answer, or takes no transaction of ours. */
  async claim(lines: readonly WatchedLine[]): Promise<Dispatched> {
    let carried = 0
    let reverted = 0
    for (const batch of this.#apart(lines)) {
      const sent = await this.#claimBatch(batch)
      carried += sent.carried
      reverted += sent.reverted
    }
    return { carried, reverted }
  }

  /** Sends one transaction, waits for its block, and counts what it cost and brought. */
  async send(use: CarryUse, call: Call): Promise<TransactionReceipt> {
    const { sender, escrow, metrics } = this.#components
    const receipt = await (await sender.send(call)).mined
    const terms = await escrow.terms()
    const { paid, credit } = readBrought(receipt, { escrow: escrow.address, relay: sender.address, terms })
    const { symbol, decimals } = this.#asset
    metrics.sent(symbol, {
      use,
      isReverted: receipt.status !== 'success',
      gas: Number(receipt.gasUsed),
      fee: Number(formatEther(receipt.gasUsed * receipt.effectiveGasPrice)),
      paid: Number(formatUnits(paid, decimals)),
      credit: Number(formatUnits(credit, decimals)),
    })
    return receipt
  }

  /** All together, but those apart who have spoilt a transaction before. */
  #apart(lines: readonly WatchedLine[]): readonly (readonly WatchedLine[])[] {
    const together: WatchedLine[] = []
    const apart = new Map<ChainAddress, WatchedLine[]>()
    for (const line of lines) {
      const { provider } = line.held.voucher
      if (!this.#struck.has(provider)) together.push(line)
      else apart.set(provider, [...(apart.get(provider) ?? []), line])
    }
    return [together, ...apart.values()].filter(({ length }) => length > 0).slice(0, MAX_CARRY_BATCHES)
  }

  async #claimBatch(lines: readonly WatchedLine[]): Promise<Dispatched> {
    const { escrow, notes, watch, sender, metrics, log } = this.#components
    const tryAll = (batch: readonly WatchedLine[]) => escrow.refusalOfBatch(vouchersOf(batch), sender.address)
    const { good, refused } = await siftClaims(lines, tryAll)
    for (const line of refused.keys()) notes.note(line.held, 'refused')
    if (good.length === 0) return { carried: 0, reverted: 0 }
    for (const line of good) watch.watch(line, { isPaidOut: true })
    let receipt: TransactionReceipt
    try {
      receipt = await this.send('claim', claimCall(escrow.address, vouchersOf(good)))
    } catch (thrown) {
      if (refusalOf(thrown)) return { carried: 0, reverted: 0 } // somebody was faster: nothing was sent
      metrics.result('failed')
      throw thrown
    }
    const { transactionHash: hash } = receipt
    if (receipt.status === 'success') {
      log.info({ vouchers: good.length, hash }, 'claims carried')
      good.forEach(() => metrics.result('carried'))
      for (const provider of providersOf(good)) this.#struck.delete(provider)
      return { carried: good.length, reverted: 0 }
    }
    log.warn({ vouchers: good.length, hash }, 'a block reverted a claim that had been tried before')
    good.forEach(() => metrics.result('failed'))
    this.#strike(providersOf(good))
    return { carried: 0, reverted: good.length }
  }

  /** Of several it is not known who spoilt it: each is tried alone, at once. */
  #strike(providers: readonly ChainAddress[]): void {
    for (const provider of providers) {
      const count = providers.length === 1 ? (this.#struck.get(provider)?.count ?? 0) + 1 : 0
      const rest = count === 0 ? 0 : Math.min(2 ** Math.min(count, 16), MAX_CARRY_REST_ROUNDS)
      this.#struck.delete(provider)
      this.#struck.set(provider, { count, restsUntil: this.#round + rest })
    }
    for (const eldest of this.#struck.keys()) {
      if (this.#struck.size <= MAX_STRUCK_OPERATORS) return
      this.#struck.delete(eldest)
    }
  }
}

function vouchersOf(lines: readonly WatchedLine[]) {
  return lines.map(({ held }) => toChainVoucher(held))
}

function providersOf(lines: readonly WatchedLine[]): readonly ChainAddress[] {
  return [...new Set(lines.map(({ held }) => held.voucher.provider))]
}
