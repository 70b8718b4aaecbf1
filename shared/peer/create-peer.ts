import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { peerName, type ModelHash, type PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { millis, MINUTE_MS } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_QUOTE_STREAMS, PROMPT_PROTOCOL } from '../prompt/constants.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import { createQuoteHandler } from '../prompt/quote-service.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { OFFER_LIFE_MS, SLOW_RELAY_MS } from '../schedule/constants.ts'
import { HedgeBudget } from '../schedule/policy/hedge.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import type { FoundOffer } from '../schedule/find-offers.ts'
import { LateAnswers } from '../schedule/late-answers.ts'
import { ENCODING, WRITING, type Task } from '../models/task.ts'
import type { ProviderKind } from '../schedule/offer.ts'
import { OfferMemory } from '../schedule/offer-memory.ts'
import { ProviderRecord } from '../schedule/record/provider-record.ts'
import { MAX_JOB_STREAMS, STREAM_PROTOCOL } from '../stream/constants.ts'
import { JobService } from '../stream/job-service.ts'
import type { Transcript } from '../stream/transcript.ts'
import { MAX_OPENINGS_STREAMS, OPENINGS_PROTOCOL } from '../verify/openings/constants.ts'
import type { ToldEvidence } from '../verify/board/told-evidence.ts'
import { OpeningKeeper } from '../verify/openings/opening-keeper.ts'
import { OpeningsService } from '../verify/openings/openings-service.ts'
import { answerProtocols } from '../wire/answer-protocols.ts'
import type { AnsweredChecks } from './answer-checks.ts'
import { askRedundant } from './ask-redundant.ts'
import { ask } from './ask.ts'
import type { CheckBy, CheckEvent, CheckReport } from './check-events.ts'
import { look } from './look.ts'
import { embed } from './embed.ts'
import type {
  AnswerEvent,
  AnswerSummary,
  EmbedEvent,
  EmbedRequest,
  EmbedSummary,
  NetworkView,
  Peer,
  ProviderTerms,
  RelayView,
} from './peer.ts'
import type { Payer } from './payer.ts'
import type { SearchComponents } from './provider-search.ts'
import { Provision } from './provision.ts'
import { RecentPeers } from './recent-peers.ts'
import type { RecordRegisters } from './record-registers.ts'
import type { Hiding } from './dial-addresses.ts'
import type { GoldenAnnouncer } from './golden-announcer.ts'
import type { VerdictWatch } from './verdict-watch.ts'
import type { WatchedProvision } from './watch-verdicts.ts'

/** After this long a direct path is tried again: a laptop may have changed its network. */
const DIRECT_FAILURE_MS = 2 * MINUTE_MS

/** Where a peer's relays come from: the tab's mesh, or the relay process itself. */
export interface RelaySource {
  readonly directories: readonly DirectoryPort[]
  readonly views: readonly RelayView[]
  /** Calls back when relays come or go. Returns what undoes it. */
  onChange(callback: () => void): () => void
  /** Somebody could not be reached through them: asks each whether it still answers. */
  check?(): void
}

export interface PeerComponents {
  readonly node: Libp2p
  readonly key: PrivateKey
  readonly clock: Clock
  readonly random: Random
  readonly relays: RelaySource
  /** What is known of providers, and is told how they do. @default one that begins empty and is kept nowhere */
  readonly record?: ProviderRecord | undefined
  /** Looks for what is told of those whose offers are seen, behind the questions. @default nothing told is known */
  readonly told?: Pick<ToldEvidence, 'consider'> | undefined
  /** Where golden records are kept. @default at the relays */
  readonly records?: RecordRegisters | undefined
  /** Keeps what this peer commits to when it provides. @default for as long as the peer is there */
  readonly openings?: OpeningKeeper | undefined
}

export interface PeerInit {
  readonly kind: ProviderKind
  /** The addresses that an offer names, best first. @default the node's own */
  readonly addresses?: () => readonly string[]
  /**
   * Keeps this peer's network address from the providers that it asks; they see a relay's or a TURN server's. The
   * node's WebRTC must be made for it (`iceTransportPolicy: 'relay'`). @default they see it
   */
  readonly hiding?: Pick<Hiding, 'hasTurn'> | undefined
  /** How often relays are asked what is said of it while it provides, in milliseconds. @default ten minutes */
  readonly lookMs?: number | undefined
}

/**
 * Puts the stages in a row on a libp2p node. The handlers are mounted with the first provision, so that a tab that
 * only asks answers to nobody.
 *
 * @example
 * const peer = createPeer({ node, key, clock, random, relays }, { kind: 'tab' })
 * for await (const event of peer.ask(prompt)) if (event.type === 'tokens') show(event.tokens)
 */
export function createPeer(components: PeerComponents, init: PeerInit): Peer {
  return new NetworkPeer(components, init)
}

class NetworkPeer implements Peer {
  readonly name: PeerName
  readonly #components: PeerComponents
  readonly #init: PeerInit
  readonly #record: ProviderRecord
  /** Of all questions that this peer asks. */
  readonly #hedges: HedgeBudget
  readonly #offers: OfferMemory
  readonly #directFailures: RecentPeers
  readonly #unreachable: RecentPeers
  readonly #slowRelays: RecentPeers
  readonly #lateLooks = new LateAnswers<ModelHash | undefined, readonly FoundOffer[]>()
  readonly #desk: QuoteDesk
  readonly #jobs: JobService
  readonly #openings: OpeningKeeper
  readonly #provisions = new Map<ModelHash, Provision>()
  readonly #watched = new Map<Provision, WatchedProvision>()
  #watch: Promise<VerdictWatch | undefined> | undefined
  #checks: AnsweredChecks | undefined
  #unmount: Promise<() => Promise<void>> | undefined

  constructor(components: PeerComponents, init: PeerInit) {
    const { node, key, clock, random } = components
    this.name = peerName(node.peerId.toString())
    this.#components = components
    this.#init = init
    this.#record = components.record ?? new ProviderRecord({ clock })
    this.#offers = new OfferMemory((offers) => components.told?.consider(offers))
    this.#hedges = new HedgeBudget(random)
    this.#directFailures = new RecentPeers(clock, millis(DIRECT_FAILURE_MS))
    this.#unreachable = new RecentPeers(clock, millis(OFFER_LIFE_MS))
    this.#slowRelays = new RecentPeers(clock, millis(SLOW_RELAY_MS))
    this.#desk = new QuoteDesk({
      key,
      clock,
      random,
      termsOf: (model) => this.#provisions.get(model)?.standingTerms,
    })
    this.#openings = components.openings ?? new OpeningKeeper({ clock, random })
    this.#jobs = new JobService({
      clock,
      key,
      desk: this.#desk,
      sketches: this.#openings,
      servedOf: (model) => this.#provisions.get(model)?.asServed,
      onChange: () => {
        this.#provisions.forEach((provision) => provision.jobsChanged())
        this.#checks?.service.jobsChanged()
      },
      onEnd: (live, outcome) => this.#provisions.get(live.model)?.jobEnded(live, outcome),
    })
  }

  ask(
    prompt: Prompt,
    { signal, except = [], payer, begun, redundant }: NonNullable<Parameters<Peer['ask']>[1]> = {},
  ): AsyncGenerator<AnswerEvent, AnswerSummary, void> {
    const components = this.#searchComponents(prompt.task, payer)
    const options = { signal, except: new Set([this.name, ...except]), begun }
    return redundant === 2 ? askRedundant(components, prompt, options) : ask(components, prompt, options)
  }

  embed(
    request: EmbedRequest,
    { signal, except = [], payer }: NonNullable<Parameters<Peer['embed']>[1]> = {},
  ): AsyncGenerator<EmbedEvent, EmbedSummary, void> {
    const components = this.#searchComponents(ENCODING, payer)
    return embed(components, request, { signal, except: new Set([this.name, ...except]) })
  }

  /** A module of its own: most who ask never have anything checked. */
  async *check(
    transcript: Transcript,
    by: CheckBy,
    options: NonNullable<Parameters<Peer['check']>[2]> = {},
  ): AsyncGenerator<CheckEvent, CheckReport, void> {
    const payer = by.by === 'peer' ? by.payer : undefined
    const components = { ...this.#searchComponents(WRITING, payer), key: this.#components.key }
    const { check } = await import('./check.ts')
    return yield* check(components, transcript, by, options)
  }

  #searchComponents(task: Task, payer: Payer | undefined): SearchComponents {
    const { node, clock, random, relays } = this.#components
    const { hiding } = this.#init
    return {
      ...{ node, clock, random, payer, record: this.#record.of(task), hedges: this.#hedges },
      name: this.name,
      offers: this.#offers,
      directFailures: this.#directFailures,
      // Whoever was not there is asked last until it must have announced itself anew.
      unreachable: this.#unreachable,
      slowRelays: this.#slowRelays,
      directories: () => relays.directories,
      onUnreachable: () => relays.check?.(),
      hiding: hiding && { ...hiding, relays: () => relays.views.map(({ address }) => address) },
    }
  }

  provide(engine: Engine, terms: ProviderTerms): Provision {
    const { model } = engine.info
    if (this.#provisions.has(model)) throw new InfernetError('stream.busy', { running: 1 })
    const { key, clock, random, relays, node } = this.#components
    const provision = new Provision(engine, terms, {
      key,
      clock,
      random,
      kind: this.#init.kind,
      jobs: this.#jobs,
      directories: () => relays.directories,
      onDirectories: (callback) => relays.onChange(callback),
      addresses: this.#init.addresses ?? (() => node.getMultiaddrs().map(String)),
      onEnd: () => {
        this.#provisions.delete(model)
        this.#unwatch(provision)
        this.#checks?.service.stop(new InfernetError('stream.draining'), model)
      },
    })
    this.#provisions.set(model, provision)
    this.#mount()
    const golden = this.#announceGolden(engine, terms, provision)
    this.#watchVerdicts(terms, provision, golden)
    return provision
  }

  async look({ model, signal }: { model?: ModelHash; signal?: AbortSignal } = {}): Promise<NetworkView> {
    const { clock, relays } = this.#components
    const [slowRelays, late] = [this.#slowRelays, this.#lateLooks]
    const { directories } = relays
    const view = await look({ clock, relays, directories, slowRelays, late }, model, { signal })
    this.#offers.remember(view.offers.map(({ offer }) => offer))
    return view
  }

  farewell(): void {
    const reason = new InfernetError('stream.provider-lost')
    this.#jobs.handOver(reason)
    this.#checks?.service.stop(reason)
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#provisions.values()].map((provision) => provision.stop()))
    const unmount = this.#unmount
    this.#unmount = undefined
    await (
      await unmount
    )?.()
    await this.#checks?.unmount()
    this.#checks = undefined
  }

  /** A module of its own; where it does not load, as after an update of the page, relays hear nothing of the machine. */
  async #announceGolden(
    engine: Engine,
    { golden }: ProviderTerms,
    provision: Provision,
  ): Promise<GoldenAnnouncer | undefined> {
    if (!golden) return undefined
    const module = await import('./announce-golden.ts').catch(() => undefined)
    if (!module || provision.state === 'ended') return undefined
    const isFree = (): boolean => provision.isIdle
    const announcer = module.announceGolden({ ...this.#components, engine, golden, isFree })
    const stopListening = provision.onChange(() => {
      if (provision.state !== 'ended') return
      announcer.stop()
      stopListening()
    })
    return announcer
  }

  /** Of all that can be tested again. A module of its own, as above. */
  #watchVerdicts(
    terms: ProviderTerms,
    provision: Provision,
    golden: Promise<GoldenAnnouncer | undefined>,
  ): void {
    const { selfTestDesk: desk, place } = terms
    if (!desk) return
    this.#watched.set(provision, {
      ...{ provision, desk, place },
      testedAt: () => terms.selfTest.testedAt,
      tell: (accusation) => provision.accused(accusation),
      onPassed: () => void golden.then((announcer) => announcer?.renew()),
    })
    const provided = (): readonly WatchedProvision[] =>
      [...this.#watched.values()].filter(({ desk: { isAble } }) => isAble)
    this.#watch ??= import('./watch-verdicts.ts')
      .then(({ watchVerdicts }) =>
        watchVerdicts({ ...this.#components, name: this.name, provided }, { lookMs: this.#init.lookMs }),
      )
      .catch(() => undefined)
  }

  #unwatch(provision: Provision): void {
    this.#watched.delete(provision)
    if (this.#watched.size > 0) return
    void this.#watch?.then((watch) => watch?.stop())
    this.#watch = undefined
  }

  /** What this peer answers, from its first provision on. */
  #mount(): void {
    if (this.#unmount) return
    const { node, clock } = this.#components
    const answering = answerProtocols(node, [
      {
        protocol: PROMPT_PROTOCOL,
        handle: createQuoteHandler({ clock, desk: this.#desk }),
        maxInboundStreams: MAX_QUOTE_STREAMS,
        isRelayed: true,
      },
      {
        protocol: STREAM_PROTOCOL,
        handle: this.#jobs.handle,
        maxInboundStreams: MAX_JOB_STREAMS,
        isRelayed: true,
      },
      {
        protocol: OPENINGS_PROTOCOL,
        handle: new OpeningsService({ clock, keeper: this.#openings, key: this.#components.key }).handle,
        maxInboundStreams: MAX_OPENINGS_STREAMS,
        isRelayed: true,
      },
    ])
    this.#unmount = answering.then(async (unmount) => {
      await this.#mountChecks()
      return unmount
    })
  }

  /** Whoever provides also checks. Where its code does not load, as after an update of the page, it only provides. */
  async #mountChecks(): Promise<void> {
    const { node, clock, key, random } = this.#components
    const components = {
      ...{ name: this.name, clock, key, random, desk: this.#desk, jobs: this.#jobs },
      servedOf: (model: ModelHash) => this.#provisions.get(model)?.asServed,
    }
    this.#checks = await import('./answer-checks.ts')
      .then(({ answerChecks }) => answerChecks(node, components))
      .catch(() => undefined)
  }
}
