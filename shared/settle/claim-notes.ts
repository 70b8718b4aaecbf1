import { MINUTE_MS, type EpochMillis } from '../base/units.ts'
import { unclaimedIn, type HeldVoucher } from './payee-ledger.ts'
import type { LeftOut } from './plan-claims.ts'

/**
 * How a held voucher stands: not asked about yet, on its way to the chain, left out for one of three reasons, refused
 * by the contract now, or for good, or claimed in full.
 */
export const CLAIM_STATES = [
  'unseen',
  'due',
  'waiting',
  'over-cap',
  'worthless',
  'refused',
  'void',
  'carried',
] as const
export type ClaimState = LeftOut | (typeof CLAIM_STATES)[number]

interface Note {
  readonly held: HeldVoucher
  readonly state: ClaimState
  /** Looks in a row that brought nothing. */
  readonly misses: number
  /** The look from which on it is asked about again. */
  readonly restsUntil: number
  /** The day of UTC on which it was noted, counted since 1970. */
  readonly day: number
}

export interface LookInit {
  /** How many to ask the chain about. */
  readonly most: number
  /** The chain's day of UTC, counted since 1970: with it a provider's cap begins anew. */
  readonly day: number
  /** The most looks that a voucher which brings nothing is passed over. */
  readonly maxRest: number
  /** Goes on with the last look: what rests goes on resting. @default false */
  readonly goesOn?: boolean
}

/** What rests: asking costs a call each, and whoever leaves such vouchers pays nothing for them. */
const RESTING: ReadonlySet<ClaimState> = new Set(['worthless', 'over-cap', 'refused'])

/**
 * What was found of each voucher of one escrow, and which to ask about next.
 *
 * A new one comes first, and one that brings nothing is asked about ever less often: a box full of worthless vouchers
 * must not keep the chain's answers from the others. A higher voucher of a line begins anew.
 */
export class ClaimNotes {
  readonly #notes = new Map<string, Note>()
  #look = 0
  #init: LookInit = { most: 0, day: 0, maxRest: 1 }

  /** Begins a look at these, which are all there are. */
  pick(all: readonly HeldVoucher[], init: LookInit): readonly HeldVoucher[] {
    if (!init.goesOn) this.#look++
    this.#init = init
    const byKey = new Map(all.map((held) => [keyOf(held), held]))
    for (const key of this.#notes.keys()) if (!byKey.has(key)) this.#notes.delete(key)
    const fresh = all.filter((held) => this.#noteOf(held) === undefined)
    const again = [...this.#notes] // the one that was noted longest ago is first
      .filter(([, note]) => note.restsUntil <= this.#look || this.#isNewDay(note))
      .map(([key]) => byKey.get(key))
      .filter((held) => held !== undefined && this.#noteOf(held) !== undefined)
    return [...fresh, ...again].filter((held) => held !== undefined).slice(0, init.most)
  }

  note(held: HeldVoucher, state: ClaimState): void {
    const { day, maxRest } = this.#init
    const before = this.#noteOf(held)
    const isAgain = before !== undefined && RESTING.has(before.state) && before.day === day
    const misses = isAgain ? before.misses + 1 : 1
    const rest = RESTING.has(state) ? Math.min(2 ** Math.min(misses, 16), maxRest) : 0
    const key = keyOf(held)
    this.#notes.delete(key)
    this.#notes.set(key, { held, state, misses, restsUntil: this.#look + rest, day })
  }

  stateOf(held: HeldVoucher): ClaimState {
    return unclaimedIn(held) === 0n ? 'carried' : (this.#noteOf(held)?.state ?? 'unseen')
  }

  #isNewDay({ state, day }: Note): boolean {
    return state === 'over-cap' && day !== this.#init.day
  }

  /** Of this very voucher: what was found of a lower one says nothing. */
  #noteOf(held: HeldVoucher): Note | undefined {
    const note = this.#notes.get(keyOf(held))
    const isSame =
      note?.held.voucher.cumulative === held.voucher.cumulative && note.held.claimed === held.claimed
    return isSame ? note : undefined
  }
}

/** The day of UTC, counted since 1970, as the escrow counts a provider's days. */
export function utcDay(now: EpochMillis): number {
  return Math.floor(now / (24 * 60 * MINUTE_MS))
}

function keyOf({ voucher: { payer, provider, model, epoch } }: HeldVoucher): string {
  return `${payer} ${provider} ${model} ${epoch}`
}
