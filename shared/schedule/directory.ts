import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import type { ModelHash, PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { epochMillis, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { openSigned, type Signed } from '../wire/signed.ts'
import { Places } from './bringer-shares.ts'
import { keyOfBringer, type Bringer } from './bringer.ts'
import {
  CLOCK_SKEW_MS,
  MAX_OFFERS,
  MAX_OFFERS_PER_PEER,
  OFFER_LIFE_MS,
  STRANGERS_SHARE,
} from './constants.ts'
import { openOffer, tombstoneSchema, type Offer, type SignedOffer } from './offer.ts'
import { OfferListing } from './policy/offer-listing.ts'
import { listingScore, rankOffers } from './policy/rank-offers.ts'

export interface DirectoryComponents {
  readonly clock: Clock
  readonly random: Random
}

/** How an offer came. */
export interface Brought {
  /** From the provider itself over its own connection: it goes when that does. */
  readonly isLocal: boolean
  /** Whose share it counts in. @default the provider itself where it came over its connection, else a relay of that name */
  readonly bringer?: Bringer | undefined
  /** The relay that published it by gossip. */
  readonly relay?: PeerName | undefined
}

export interface DirectoryInit {
  /** @default MAX_OFFERS */
  readonly maxOffers?: number
  /** False for a peer that nobody should be sent to, e.g. one whose operator is jailed. @default everybody may be */
  readonly mayIntroduce?: (provider: PeerName) => boolean
  /**
   * Whether somebody who is sent to the provider of this offer would get there, by what this relay or the one that
   * published it can tell. Asked for each offer that would be taken. @default yes
   */
  readonly canReach?: ((offer: Offer, brought: Brought) => Promise<boolean> | boolean) | undefined
  /** True while peers that are not known may bring no offer. @default never */
  readonly isClosed?: () => boolean
}

/** Rankings are kept for this many models at once, so that questions about models nobody has cost no memory. */
const MAX_RANKINGS = 256

/**
 * Ranking 20,000 offers takes some 20 ms. Up to so many are ranked anew after each change; more at most once in
 * {@link LONG_RANKING_MS}, so that whoever fills the directory and asks does not keep the relay busy.
 */
const SHORT_RANKING = 1000
const LONG_RANKING_MS = SECOND_MS

interface Entry {
  readonly offer: Offer
  readonly signed: Signed
  /** Came from the provider itself over its own connection, not by gossip. */
  readonly isLocal: boolean
  readonly bringer: Bringer
  /** What it is ranked by. */
  readonly score: number
}

interface Ranking {
  readonly listing: OfferListing<Entry>
  readonly madeAt: number
}

interface Newcomer {
  readonly provider: PeerName
  readonly key: string
  readonly isLocal: boolean
  readonly bringer: Bringer
}

/**
 * A relay's register of live offers: verified, one per peer and model, gone when they expire or are withdrawn.
 *
 * Nobody fills it: when it is full, whoever brought most gives up a place (`Places`), and what is named of many is in part
 * drawn by chance (`OfferListing`).
 *
 * Keeps the highest sequence number of each (peer, model) for an offer's life after the offer itself is gone, so that
 * a withdrawn offer cannot be replayed.
 */
export class Directory {
  /** After each offer that came in. */
  readonly arrivals = new ChangeEmitter()
  readonly #clock: Clock
  readonly #random: Random
  readonly #maxOffers: number
  readonly #places: Places
  readonly #mayIntroduce: (provider: PeerName) => boolean
  readonly #canReach: NonNullable<DirectoryInit['canReach']>
  readonly #isClosed: () => boolean
  readonly #entries = new Map<string, Entry>()
  readonly #byModel = new Map<ModelHash, Set<string>>()
  readonly #byPeer = new Map<PeerName, Set<string>>()
  readonly #rankings = new Map<ModelHash | undefined, Ranking>()
  #sweptAt = 0
  readonly #tombstones = new Map<string, { sequence: number; forgetAt: EpochMillis }>()

  constructor({ clock, random }: DirectoryComponents, init: DirectoryInit = {}) {
    this.#clock = clock
    this.#random = random
    this.#maxOffers = init.maxOffers ?? MAX_OFFERS
    this.#places = new Places({
      max: this.#maxOffers,
      maxOfStrangers: Math.ceil(this.#maxOffers * STRANGERS_SHARE),
    })
    this.#canReach = init.canReach ?? (() => true)
    this.#mayIntroduce = init.mayIntroduce ?? (() => true)
    this.#isClosed = init.isClosed ?? (() => false)
  }

  /** Live offers. */
  get size(): number {
    this.#sweep()
    return this.#entries.size
  }

  /** Whether an offer for it was there lately, live or gone: then "nobody" is an answer, not a lack of news. */
  hasHeardOf(model: ModelHash): boolean {
    return this.#byModel.has(model) || [...this.#tombstones.keys()].some((key) => key.endsWith(` ${model}`))
  }

  /** All live offers of those that may be introduced, in no order. */
  get offers(): readonly Offer[] {
    const now = this.#clock.now()
    return [...this.#entries.values()]
      .map(({ offer }) => offer)
      .filter(({ expiresAt, provider }) => expiresAt > now && this.#mayIntroduce(provider))
  }

  /** Whether a live offer of this provider is here. */
  hasOfferOf(provider: PeerName): boolean {
    const now = this.#clock.now()
    return [...(this.#byPeer.get(provider) ?? [])].some(
      (key) => (this.#entries.get(key)?.offer.expiresAt ?? 0) > now,
    )
  }

  /**
   * Verifies and stores an offer; answers until when it stands.
   *
   * @throws InfernetError `wire.bad-signature`, `wire.malformed`, `schedule.offer-expired`, `schedule.offer-stale`
   * (replayed or out of order), `schedule.directory-full`, `schedule.maintenance`, `schedule.not-introduced` or
   * `schedule.not-reachable`; what `canReach` throws.
   */
  async announce(signed: SignedOffer, brought: Brought): Promise<Offer> {
    const offer = await openOffer(signed, this.#clock.now())
    if (!this.#mayIntroduce(offer.provider)) throw new InfernetError('schedule.not-introduced')
    const key = keyOf(offer.provider, offer.model)
    const { isLocal, bringer = defaultBringer(offer, isLocal) } = brought
    this.#expectNews(key, offer)
    const newcomer = { provider: offer.provider, key, isLocal, bringer }
    this.#giverFor(newcomer)
    if (!(await this.#canReach(offer, { ...brought, bringer })))
      throw new InfernetError('schedule.not-reachable')
    this.#expectNews(key, offer) // another may have come meanwhile
    const giver = this.#giverFor(newcomer)
    if (giver !== undefined) this.#remove(giver)
    const known = this.#entries.get(key)
    this.#put(key, {
      ...{ offer, signed: signed.offer, score: listingScore(offer) },
      isLocal: isLocal || (known?.isLocal ?? false),
      // Gossip that renews what the provider brought itself does not make it a relay's.
      bringer: known?.isLocal && !isLocal ? known.bringer : bringer,
    })
    return offer
  }

  /**
   * Takes an offer out on its provider's own word.
   *
   * @throws InfernetError `wire.bad-signature`, `wire.malformed` or `schedule.offer-stale`.
   */
  async withdraw(provider: PeerName, signed: Signed): Promise<void> {
    const tombstone = await openSigned('drain', tombstoneSchema, signed, provider)
    const now = this.#clock.now()
    if (Math.abs(tombstone.issuedAt - now) > OFFER_LIFE_MS + CLOCK_SKEW_MS)
      throw new InfernetError('schedule.offer-stale')
    const key = keyOf(provider, tombstone.model)
    if (tombstone.sequence < this.#sequenceOf(key)) throw new InfernetError('schedule.offer-stale')
    this.#remove(key)
    this.#bury(key, tombstone.sequence)
  }

  /** Drops the offers that a peer brought itself, because its connection is gone. It may announce again at once. */
  dropLocal(provider: PeerName): void {
    for (const key of [...(this.#byPeer.get(provider) ?? [])]) {
      if (this.#entries.get(key)?.isLocal) this.#remove(key)
    }
  }

  /**
   * At most `limit` live offers for a model (`undefined`: of all), and how many there are: all of them, best first, or
   * some of the best and some by chance.
   *
   * @param isKnown whom the asker knows already: they count, and are not named
   */
  query(
    model: ModelHash | undefined,
    limit: number,
    { isKnown = () => false }: { isKnown?: ((provider: PeerName) => boolean) | undefined } = {},
  ): { offers: SignedOffer[]; total: number } {
    const now = this.#clock.now()
    const listing = this.#listing(model)
    const isLive = ({ offer }: Entry): boolean => offer.expiresAt > now && this.#mayIntroduce(offer.provider)
    const offers = listing
      .choose(
        (entry) => !isKnown(entry.offer.provider) && isLive(entry) && this.#isHere(entry),
        limit,
        this.#random,
      )
      .map(({ offer, signed }) => ({ provider: offer.provider, offer: signed }))
    return { offers, total: listing.size > SHORT_RANKING ? listing.size : listing.count(isLive) }
  }

  /** Live offers of providers that have the model loaded. */
  countLoaded(model: ModelHash): number {
    const now = this.#clock.now()
    return [...(this.#byModel.get(model) ?? [])].filter((key) => {
      const offer = this.#entries.get(key)?.offer
      return offer !== undefined && offer.tier === undefined && offer.expiresAt > now
    }).length
  }

  #listing(model: ModelHash | undefined): OfferListing<Entry> {
    const known = this.#rankings.get(model)
    if (known && this.#isFresh(known)) return known.listing
    this.#sweep()
    const keys = model ? (this.#byModel.get(model) ?? []) : this.#entries.keys()
    const entries = [...keys].map((key) => this.#entries.get(key)).filter((entry) => entry !== undefined)
    const ranked = rankOffers(entries, ({ score }) => score, this.#random)
    const listing = new OfferListing(ranked, (entry) => entry.bringer)
    if (this.#rankings.size >= MAX_RANKINGS) this.#rankings.clear()
    this.#rankings.set(model, { listing, madeAt: this.#clock.monotonic() })
    return listing
  }

  #isFresh({ listing, madeAt }: Ranking): boolean {
    return listing.size <= SHORT_RANKING || this.#clock.monotonic() - madeAt < LONG_RANKING_MS
  }

  /** In a ranking that is kept over changes some have gone. */
  #isHere({ offer }: Entry): boolean {
    return this.#entries.has(keyOf(offer.provider, offer.model))
  }

  #forgetRankings(model: ModelHash): void {
    for (const each of [model, undefined]) {
      const known = this.#rankings.get(each)
      if (known && known.listing.size <= SHORT_RANKING) this.#rankings.delete(each)
    }
  }

  #sequenceOf(key: string): number {
    const buried = this.#tombstones.get(key)
    const live = buried && buried.forgetAt > this.#clock.now() ? buried.sequence : 0
    return Math.max(this.#entries.get(key)?.offer.sequence ?? 0, live)
  }

  #expectNews(key: string, offer: Offer): void {
    if (offer.sequence <= this.#sequenceOf(key)) throw new InfernetError('schedule.offer-stale')
  }

  /** Whose place it gets: undefined where there is room, or it has a place already. Throws where it gets none. */
  #giverFor({ provider, key, isLocal, bringer }: Newcomer): string | undefined {
    if (this.#entries.has(key)) return undefined
    if (isLocal && this.#isClosed()) throw new InfernetError('schedule.maintenance')
    const own = this.#byPeer.get(provider)?.size ?? 0
    if (own >= MAX_OFFERS_PER_PEER) throw new InfernetError('schedule.directory-full')
    if (!this.#places.hasRoom(bringer)) this.#sweep()
    if (this.#places.hasRoom(bringer)) return undefined
    const giver = this.#places.placeFor(bringer)
    if (giver === undefined) throw new InfernetError('schedule.directory-full')
    return giver
  }

  #put(key: string, entry: Entry): void {
    const known = this.#entries.get(key)
    if (known && keyOfBringer(known.bringer) !== keyOfBringer(entry.bringer))
      this.#places.delete(known.bringer, key)
    this.#places.add(entry.bringer, key)
    this.#entries.set(key, entry)
    add(this.#byModel, entry.offer.model, key)
    add(this.#byPeer, entry.offer.provider, key)
    this.#forgetRankings(entry.offer.model)
    this.arrivals.emit()
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#places.delete(entry.bringer, key)
    drop(this.#byModel, entry.offer.model, key)
    drop(this.#byPeer, entry.offer.provider, key)
    this.#forgetRankings(entry.offer.model)
    this.#bury(key, entry.offer.sequence)
  }

  #bury(key: string, sequence: number): void {
    const forgetAt = epochMillis(this.#clock.now() + OFFER_LIFE_MS + CLOCK_SKEW_MS)
    const known = this.#tombstones.get(key)?.sequence ?? 0
    this.#tombstones.delete(key) // and to the end again, so that the map stays in order of `forgetAt`
    this.#tombstones.set(key, { sequence: Math.max(sequence, known), forgetAt })
    // Oldest first: a bounded memory matters more than refusing one old replay.
    for (const oldest of this.#tombstones.keys()) {
      if (this.#tombstones.size <= this.#maxOffers) break
      this.#tombstones.delete(oldest)
    }
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (Math.abs(now - this.#sweptAt) < SECOND_MS) return // a clock may jump back
    this.#sweptAt = now
    for (const [key, { offer }] of this.#entries) if (offer.expiresAt <= now) this.#remove(key)
    for (const [key, { forgetAt }] of this.#tombstones) {
      if (forgetAt > now) break
      this.#tombstones.delete(key)
    }
  }
}

function defaultBringer({ provider }: Offer, isLocal: boolean): Bringer {
  return { kind: isLocal ? 'provider' : 'relay', group: provider }
}

function keyOf(provider: PeerName, model: ModelHash): string {
  return `${provider} ${model}`
}

function add<K>(index: Map<K, Set<string>>, group: K, key: string): void {
  const keys = index.get(group)
  if (keys) keys.add(key)
  else index.set(group, new Set([key]))
}

function drop<K>(index: Map<K, Set<string>>, group: K, key: string): void {
  const keys = index.get(group)
  keys?.delete(key)
  if (keys?.size === 0) index.delete(group)
}
