import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { EpochMillis } from '#shared/base/units.ts'
import type { Directory } from '#shared/schedule/directory.ts'
import type { DirectoryAnswer, DirectoryPort, QueryOptions } from '#shared/schedule/directory-port.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import { kindOf, type OfferKind } from '#shared/schedule/gossiped-offer.ts'
import type { OfferGossipMessage } from '#shared/schedule/messages.ts'
import { encode } from '#shared/wire/codec.ts'
import type { Signed } from '#shared/wire/signed.ts'

export interface LocalDirectoryComponents {
  readonly relay: PeerName
  readonly clock: Clock
  readonly directory: Directory
  readonly gossip: (message: Uint8Array, kind: OfferKind) => void
}

/** The relay's own directory for the provider in the same process: the same checks, no stream. */
export class LocalDirectory implements DirectoryPort {
  readonly relay: PeerName
  readonly #components: LocalDirectoryComponents

  constructor(components: LocalDirectoryComponents) {
    this.relay = components.relay
    this.#components = components
  }

  async announce(offer: Signed): Promise<EpochMillis> {
    // Not "local" in the directory's sense: there is no connection to oneself whose end would drop the offer.
    const taken = await this.#components.directory.announce(
      { provider: this.relay, offer },
      { isLocal: false, bringer: { kind: 'provider', group: this.relay } },
    )
    this.#tell({ type: 'offer', provider: this.relay, signed: offer }, kindOf(taken))
    return taken.expiresAt
  }

  async withdraw(tombstone: Signed): Promise<void> {
    await this.#components.directory.withdraw(this.relay, tombstone)
    this.#tell({ type: 'drain', provider: this.relay, signed: tombstone })
  }

  async query(
    model: ModelHash | undefined,
    limit: number,
    { besides }: QueryOptions = {},
  ): Promise<DirectoryAnswer> {
    const known = new Set(besides)
    return this.#components.directory.query(model, limit, { isKnown: (provider) => known.has(provider) })
  }

  /** All live offers, verified when they came. */
  get offers(): readonly Offer[] {
    return this.#components.directory.offers
  }

  /** Nobody watches for oneself to vanish. */
  watch(): () => void {
    return () => undefined
  }

  #tell(message: OfferGossipMessage, kind: OfferKind = 'warm'): void {
    this.#components.gossip(encode(message), kind)
  }
}
