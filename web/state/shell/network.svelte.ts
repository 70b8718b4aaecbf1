import type { PeerName } from '#shared/base/ids.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import type { Ask } from '../ask/ask.svelte.ts'
import type { Measured, Session, UseSample } from '../session/session.svelte.ts'

/** One offer as the page lists it. */
export interface OfferRow {
  readonly offer: Offer
  readonly modelName: string | undefined
  readonly ageMs: number
  readonly live: boolean
  readonly measured: Measured | undefined
  readonly mine: boolean
  readonly answering: boolean
}

/** What one model costs now, and how many provide it. */
export interface ModelRow {
  readonly model: string
  readonly name: string | undefined
  readonly providers: number
  readonly lowest: bigint
  readonly highest: bigint
}

/** The network as the signed offers tell it, in the order the page shows. */
export class Network {
  readonly #session: Session
  readonly #ask: Ask

  constructor(session: Session, ask: Ask) {
    this.#session = session
    this.#ask = ask
  }

  /** Live ones first, then by age; those that ran out stay, marked. */
  get offers(): readonly OfferRow[] {
    const { live, unconfirmed } = this.#session
    return [...live, ...unconfirmed]
      .map(({ offer }) =>
        this.#row(
          offer,
          live.some((seen) => seen.offer === offer),
        ),
      )
      .toSorted(
        (a, b) =>
          Number(b.live) - Number(a.live) || Number(b.answering) - Number(a.answering) || a.ageMs - b.ageMs,
      )
  }

  /** Places taken now, of places offered. */
  get use(): UseSample | undefined {
    const sum = { at: this.#session.now, busy: 0, slots: 0 }
    for (const { offer } of this.#session.live) {
      sum.busy += Math.min(offer.busySlots, offer.slots)
      sum.slots += offer.slots
    }
    return sum.slots > 0 ? sum : undefined
  }

  get models(): readonly ModelRow[] {
    const rows: ModelRow[] = []
    for (const { offer } of this.#session.live) {
      const price = offer.price.outputPerMillion
      const at = rows.findIndex((row) => row.model === offer.model)
      const row = rows[at]
      rows[row ? at : rows.length] = {
        model: offer.model,
        name: this.#session.choice(offer.model)?.name,
        providers: (row?.providers ?? 0) + 1,
        lowest: row && row.lowest < price ? row.lowest : price,
        highest: row && row.highest > price ? row.highest : price,
      }
    }
    return rows.toSorted((a, b) => b.providers - a.providers)
  }

  #row(offer: Offer, live: boolean): OfferRow {
    const provider: PeerName = offer.provider
    return {
      offer,
      live,
      modelName: this.#session.choice(offer.model)?.name,
      ageMs: Math.max(0, this.#session.now - offer.issuedAt),
      measured: this.#session.measured.get(provider),
      mine: this.#session.ownNames.includes(provider),
      answering: provider === this.#ask.writer,
    }
  }
}
