import type { ModelHash, PeerName } from '../base/ids.ts'
import { millis, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { ErrorCode } from '../errors/code-table.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Task } from '../models/task.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { DIRECTORY_FILL_MS } from '../schedule/constants.ts'
import type { FoundOffer } from '../schedule/find-offers.ts'
import type { Offer } from '../schedule/offer.ts'
import { useOf, type HedgeBudget } from '../schedule/policy/hedge.ts'
import { hiddenDialAddresses } from './dial-addresses.ts'
import { gatherQuotes, type GatherComponents, type QuoteNeeds } from './gather-quotes.ts'
import { offerPages, type PagesComponents } from './offer-pages.ts'
import { payableOffers } from './payable-offers.ts'

/**
 * The pauses before a new look while nobody can go on: a model that is loaded again takes a minute or more, and relays
 * are not asked each second for that long.
 */
const FIRST_PAUSE_MS = SECOND_MS
const LONGEST_PAUSE_MS = 5 * SECOND_MS

/** A quote that came back too late, and one that its provider has dropped since. */
const OLD_QUOTE = ['prompt.quote-expired', 'prompt.quote-unknown'] as const satisfies readonly ErrorCode[]

/**
 * What is forgiven once: a lost connection, as against a provider that refuses or falls silent, and a quote that came back
 * too late, which says more of the way there. So is a refusal that the record of payments has learned from.
 */
const FORGIVEN_ONCE: ReadonlySet<ErrorCode> = new Set(['wire.closed', 'stream.provider-lost', ...OLD_QUOTE])

export interface SearchComponents extends GatherComponents, PagesComponents {
  /** How many second jobs this peer's questions may still open. */
  readonly hedges: HedgeBudget
}

export interface SearchInit {
  readonly task: Task
  readonly model: ModelHash
  readonly signal: AbortSignal | undefined
  /** Who is not asked: this peer, whatever it is called. */
  readonly except: ReadonlySet<PeerName>
  /** Whether there is something already: then it is worth waiting for somebody who goes on. */
  readonly isBegun: () => boolean
}

/**
 * The providers of a model for one who asks: finds them, asks the best for quotes, and remembers who failed and why.
 */
export class ProviderSearch {
  readonly #components: SearchComponents
  readonly #init: SearchInit
  readonly #failed = new Set<PeerName>()
  readonly #retried = new Set<PeerName>()
  /** Why the last provider could not do it: says more than that there is no other. */
  #reason = new InfernetError('schedule.no-provider')
  #pauseMs = FIRST_PAUSE_MS
  /** Whether the last look found nobody at relays of which one has just started. */
  #isFilling = false
  #use = 1
  #fillUntil: number | undefined

  constructor(components: SearchComponents, init: SearchInit) {
    this.#components = components
    this.#init = init
  }

  hasFailed(provider: PeerName): boolean {
    return this.#failed.has(provider)
  }

  /** How much of the model's places was taken at the last look: 0 to 1, and more where jobs wait. */
  get use(): number {
    return this.#use
  }

  /** Why there is nobody, where that is known before anybody is asked. */
  because(reason: InfernetError): void {
    this.#reason = reason
  }

  /** Something came: the next wait is a short one again. */
  progressed(): void {
    this.#pauseMs = FIRST_PAUSE_MS
  }

  /**
   * Providers that are ready, best first: none when all who were asked failed, undefined when nobody is left to ask.
   *
   * @param fitting of those who can be reached, who can take it
   */
  async assignments(
    needs: QuoteNeeds,
    fitting: (offers: readonly Offer[]) => readonly Offer[],
  ): Promise<Assignment[] | undefined> {
    const { signal } = this.#init
    let untried: readonly Offer[] = []
    let known: readonly FoundOffer[] = []
    for await (known of this.#pages()) {
      untried = this.#untried(known, fitting)
      if (untried.some((offer) => this.#isPromising(offer))) break
    }
    if (untried.length === 0) return undefined
    const relaysOf = new Map(known.map(({ offer, relays }) => [offer, relays]))
    return gatherQuotes(this.#components, this.#promisingFirst(untried), needs, {
      signal,
      namedBy: (offer) => relaysOf.get(offer) ?? [],
      onFailure: (provider, reason) => this.fail(provider, reason),
    })
  }

  /** Those that can be asked and have not failed. */
  #untried(
    found: readonly FoundOffer[],
    fitting: (offers: readonly Offer[]) => readonly Offer[],
  ): readonly Offer[] {
    const { payer, name } = this.#components
    const { except, task } = this.#init
    const others = found
      .map(({ offer }) => offer)
      .filter((offer) => offer.task === task && offer.provider !== name && !except.has(offer.provider))
    this.#use = useOf(others)
    const { payable, refusal } = payableOffers(fitting(this.#reachable(this.#trusted(others))), payer)
    const untried = payable.filter(({ provider }) => !this.#failed.has(provider))
    if (refusal && payable.length === 0 && this.#failed.size === 0) this.#reason = refusal
    return untried
  }

  /**
   * Whatever a provider says of what was asked, the next one may see it otherwise: nobody's word ends it.
   *
   * A connection that broke under our hands says little of the provider (a relayed one ends with its byte budget, in
   * the middle of a quote as well), so that is forgiven once.
   */
  fail(provider: PeerName, reason: InfernetError, { hasLearned = false, isToBlame = true } = {}): void {
    const isForgiven = (hasLearned || FORGIVEN_ONCE.has(reason.code)) && !this.#retried.has(provider)
    if (isForgiven) this.#retried.add(provider)
    else this.#failed.add(provider)
    this.#reason = reason
    const isOld = isForgiven && OLD_QUOTE.some((code) => code === reason.code)
    if (isToBlame && !isOld) this.#components.record.ended(provider, 'failed')
  }

  /** It did something before it was lost: the next failure is forgiven like the first. */
  forgive(provider: PeerName): void {
    this.#retried.delete(provider)
  }

  /**
   * Once it has begun it is worth waiting for someone; before that the page decides.
   *
   * @returns why nobody is there now, and the wait until the next look
   * @throws InfernetError that reason, where nothing is worth waiting for
   */
  waitForSomeone(): { readonly reason: InfernetError; readonly wait: () => Promise<void> } {
    const { code } = this.#reason
    const mayFill = this.#mayFill()
    const isBegun = this.#init.isBegun()
    const mayWait = isBegun || mayFill || code === 'stream.busy' || code === 'prompt.quote-limit'
    if (!mayWait) throw this.#reason
    const wait = async (): Promise<void> => {
      await sleep(this.#components.clock, millis(this.#pauseMs), { signal: this.#init.signal })
      if (!mayFill) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
      this.#failed.clear() // nobody else is left: who failed once may be asked again
    }
    return { reason: mayFill ? new InfernetError('schedule.filling') : this.#reason, wait }
  }

  /** A relay that has just started does not know yet whether there is nobody. Its word is believed for a while only. */
  #mayFill(): boolean {
    if (!this.#isFilling || this.#init.isBegun()) return false
    const now = this.#components.clock.monotonic()
    this.#fillUntil ??= now + DIRECTORY_FILL_MS
    return now < this.#fillUntil
  }

  /** Whoever was shown to cheat twice is not asked, whoever else there is. */
  #trusted(offers: readonly Offer[]): readonly Offer[] {
    const { record } = this.#components
    const trusted = offers.filter((offer) => record.standingOf(offer) !== 'excluded')
    if (trusted.length === 0 && offers.length > 0)
      this.#reason = new InfernetError('schedule.none-trusted', { excluded: offers.length })
    return trusted
  }

  /** Whoever is in quarantine, or could not be reached a moment ago, is asked where nobody else is left. */
  #promisingFirst(offers: readonly Offer[]): readonly Offer[] {
    const { record } = this.#components
    const promising = offers.filter((offer) => this.#isPromising(offer))
    if (promising.length > 0) return promising
    const open = offers.filter((offer) => record.standingOf(offer) === 'open')
    return open.length > 0 ? open : offers
  }

  #isPromising(offer: Offer): boolean {
    const { record, unreachable } = this.#components
    return record.standingOf(offer) === 'open' && !unreachable.has(offer.provider)
  }

  /** Of a peer that hides: those to whom there is a hidden way. Whoever has none is not to blame, and not tried. */
  #reachable(offers: readonly Offer[]): readonly Offer[] {
    const { hiding } = this.#components
    if (!hiding) return offers
    const reachable = offers.filter(({ provider, addresses }) => {
      const { direct, relayed } = hiddenDialAddresses(provider, addresses, hiding)
      return direct.length + relayed.length > 0
    })
    if (reachable.length === 0 && offers.length > 0) this.#reason = new InfernetError('mesh.no-hidden-path')
    return reachable
  }

  #pages(): AsyncGenerator<readonly FoundOffer[], void, void> {
    const { model, signal, isBegun } = this.#init
    this.#isFilling = false
    return offerPages(this.#components, {
      ...{ model, signal, isBegun },
      onFilling: () => (this.#isFilling = true),
    })
  }
}
