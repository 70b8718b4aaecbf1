import { Counter, Gauge, type Registry } from 'prom-client'
import { CLAIM_STATES, type ClaimState } from '#shared/settle/claim-notes.ts'

/** What became of a voucher. */
export type CarryResult = 'carried' | 'void' | 'failed'

/** What a transaction of the carrier is for. */
export type CarryUse = 'claim' | 'sweep' | 'collect'

/** How a round over one escrow ended, and why. */
export interface RoundEnd {
  readonly outcome: 'carried' | 'nothing' | 'failed'
  readonly reason: string
}

export interface SentReport {
  readonly use: CarryUse
  readonly isReverted: boolean
  readonly gas: number
  /** In whole units of the chain's coin. */
  readonly fee: number
  /** In whole units of the asset. */
  readonly paid: number
  readonly credit: number
}

/** What carrying claims costs and brings, for who pays for it. */
export class ClaimMetrics {
  readonly #registry: Registry
  readonly #results
  readonly #rounds
  readonly #gas
  readonly #fees
  readonly #paid
  readonly #credit

  constructor(registry: Registry) {
    this.#registry = registry
    this.#results = this.#counter('infernet_claims_total', 'Vouchers, by what became of them.', ['result'])
    this.#rounds = this.#counter(
      'infernet_claim_rounds_total',
      'Rounds of carrying, by how they ended and why.',
      ['asset', 'outcome', 'reason'],
    )
    this.#gas = this.#counter('infernet_claim_gas_total', 'Gas used to carry claims.', ['use', 'result'])
    this.#fees = this.#counter('infernet_claim_fees_total', 'Paid for that gas, in whole coins.', ['use'])
    this.#paid = this.#counter('infernet_claim_paid_total', 'Carried to providers, in whole units.', [
      'asset',
    ])
    this.#credit = this.#counter(
      'infernet_claim_credit_total',
      'Credited to the relay for it, in whole units.',
      ['asset'],
    )
  }

  result(result: CarryResult): void {
    this.#results.inc({ result })
  }

  round(asset: string, end: RoundEnd): void {
    this.#rounds.inc({ asset, ...end })
  }

  sent(asset: string, { use, isReverted, gas, fee, paid, credit }: SentReport): void {
    this.#gas.inc({ use, result: isReverted ? 'reverted' : 'mined' }, gas)
    this.#fees.inc({ use }, fee)
    this.#paid.inc({ asset }, paid)
    this.#credit.inc({ asset }, credit)
  }

  /** Counts at each scrape how the vouchers stand. */
  watch(count: () => ReadonlyMap<ClaimState, number>): void {
    new Gauge({
      name: 'infernet_claims_by_state',
      help: 'Vouchers that are kept, by how they stand.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        const counts = count()
        for (const state of CLAIM_STATES) this.set({ state }, counts.get(state) ?? 0)
      },
    })
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] })
  }
}
