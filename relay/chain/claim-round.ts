import { parseUnits } from 'viem'
import type { ChainAddress } from '#shared/base/ids.ts'
import { baseUnits, millis, SECOND_MS, type EpochMillis } from '#shared/base/units.ts'
import type { ChainView } from '#shared/settle/chain-view.ts'
import { utcDay, type ClaimNotes } from '#shared/settle/claim-notes.ts'
import { CLAIM_WORTH_FACTOR } from '#shared/settle/constants.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { unclaimedIn } from '#shared/settle/payee-ledger.ts'
import type { ClaimOffer } from '#shared/settle/claim-offer.ts'
import { leastClaim, planClaims, type ClaimPlanInit } from '#shared/settle/plan-claims.ts'
import type { ClaimMetrics, RoundEnd } from '../observe/claim-metrics.ts'
import type { WatchedLine, ClaimWatch } from './claim-watch.ts'
import type { ClaimDispatch } from './claim-dispatch.ts'
import { leastTipped } from '#shared/chain/claim-receipt.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { CARRY_LOOK_LINES, CARRY_REST_DIVISOR, MAX_CARRY_REST_ROUNDS } from './limits.ts'
import { endOfNothing } from './round-end.ts'
import { weighClaims, type WeighedLine } from './weigh-claims.ts'

/** All that is kept of one escrow from round to round. */
export interface EscrowDesk {
  readonly asset: NetworkFile['escrows'][number]
  readonly address: ChainAddress
  readonly escrow: EscrowClient
  readonly view: ChainView
  readonly notes: ClaimNotes
  readonly dispatch: ClaimDispatch
}

export interface RoundComponents {
  readonly desk: EscrowDesk
  readonly watch: ClaimWatch
  readonly metrics: ClaimMetrics
  readonly now: () => Promise<EpochMillis>
  readonly blockNumber: () => Promise<bigint>
}

export interface RoundInit {
  /** In whole units of the asset. */
  readonly worth: string
  readonly everyMs: number
}

/** One round over one escrow: which vouchers to look at, what the chain would pay of them, and claiming the best. */
export class ClaimRound {
  readonly #components: RoundComponents
  readonly #everyMs: number
  /** What a voucher must bring to be carried ahead of its time, in base units. */
  readonly worth: bigint
  /** What each voucher must pay, or who carries it is credited nothing; known when the round has run. */
  leastEach = 1n

  constructor(components: RoundComponents, { worth, everyMs }: RoundInit) {
    this.#components = components
    this.#everyMs = everyMs
    this.worth = parseUnits(worth, components.desk.asset.decimals)
  }

  /** @throws when the chain does not answer, or takes no transaction of ours. */
  async run(lines: readonly WatchedLine[]): Promise<RoundEnd> {
    const { desk, blockNumber } = this.#components
    const plan = await this.#planInit()
    const weighed = await this.#weigh(lines, plan, await blockNumber())
    const planned = this.#choose(weighed, plan)
    const { carried, reverted } = await desk.dispatch.claim(planned)
    if (carried > 0) return { outcome: 'carried', reason: 'paid' }
    if (reverted > 0) return { outcome: 'failed', reason: 'reverted' }
    return endOfNothing(lines.map(({ held }) => desk.notes.stateOf(held)))
  }

  async #planInit(): Promise<ClaimPlanInit> {
    const { desk, now } = this.#components
    const terms = await desk.escrow.terms()
    this.leastEach = leastTipped(terms)
    return {
      now: await now(),
      costs: { perBatch: baseUnits(0n), perVoucher: baseUnits(this.worth / CLAIM_WORTH_FACTOR) },
      graceMs: millis(terms.graceSeconds * SECOND_MS),
      leastEach: baseUnits(this.leastEach),
    }
  }

  async #weigh(
    lines: readonly WatchedLine[],
    plan: ClaimPlanInit,
    block: bigint,
  ): Promise<readonly WeighedLine[]> {
    const { desk, watch, metrics } = this.#components
    const open = new Map(lines.map((line) => [line.held, line]))
    for (const held of open.keys()) if (unclaimedIn(held) === 0n) open.delete(held)
    const restMs = plan.graceMs / CARRY_REST_DIVISOR
    const picked = desk.notes.pick([...open.keys()], {
      most: CARRY_LOOK_LINES,
      day: utcDay(plan.now),
      maxRest: Math.max(1, Math.min(MAX_CARRY_REST_ROUNDS, Math.floor(restMs / this.#everyMs))),
    })
    return weighClaims(
      { ...desk, watch, onVoid: () => metrics.result('void') },
      picked.map((held) => open.get(held)).filter((line) => line !== undefined),
      { block, least: leastClaim(plan) },
    )
  }

  #choose(weighed: readonly WeighedLine[], plan: ClaimPlanInit): readonly WatchedLine[] {
    const { notes, dispatch } = this.#components.desk
    dispatch.begin()
    const lines = new Map<ClaimOffer, WatchedLine>()
    for (const { offer, held, boxed } of weighed)
      if (dispatch.isResting(held.voucher.provider)) notes.note(held, 'refused')
      else lines.set(offer, { held, boxed })
    const { claims, leftOut } = planClaims([...lines.keys()], plan)
    for (const [offer, line] of lines) notes.note(line.held, leftOut.get(offer) ?? 'due')
    return claims.map(({ offer }) => lines.get(offer)).filter((line) => line !== undefined)
  }
}
