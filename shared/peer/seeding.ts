import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { ModelHash } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { millis, MINUTE_MS, SECOND_MS } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import type { Manifest } from '../models/manifest.ts'
import { MAX_PIECES_STREAMS, PIECES_PROTOCOL } from '../models/pieces/constants.ts'
import { ExchangeLedger, type ExchangeLedgerInit } from '../models/pieces/exchange-ledger.ts'
import { fetchManifest } from '../models/pieces/fetch-manifest.ts'
import { fetchModel } from '../models/pieces/fetch-model.ts'
import type { FetchProgress } from '../models/pieces/fetch-progress.ts'
import type { FetchOptions } from '../models/pieces/fetch-terms.ts'
import type { FetchOrigin } from '../models/pieces/origin-reader.ts'
import { PiecesService } from '../models/pieces/pieces-service.ts'
import { RateCap } from '../models/pieces/rate-cap.ts'
import { maySeed, type SeedStore } from '../models/pieces/shared-model.ts'
import type { Seeder, Swarm } from '../models/pieces/swarm.ts'
import type { PieceStore } from '../models/store/piece-store.ts'
import { SLOW_RELAY_MS } from '../schedule/constants.ts'
import { LateAnswers } from '../schedule/late-answers.ts'
import { findSeeders, type FoundSeeder } from '../schedule/seeds/seeds-port.ts'
import { answerProtocols } from '../wire/answer-protocols.ts'
import { isRelayed } from '../wire/is-relayed.ts'
import { connectStraight, openStream, type ConnectComponents } from './connect.ts'
import { RecentPeers } from './recent-peers.ts'
import { SeedAnnouncer } from './seed-announcer.ts'
import type { SeedRegisters } from './seed-registers.ts'
import { measureTurn } from './webrtc-path.ts'

/** After this long a peer that could not be reached directly is tried again. */
const DIRECT_FAILURE_MS = 2 * MINUTE_MS
/** A mesh is opened before its relays have answered: who looks for seeders waits this long for the first of them. */
const REGISTER_WAIT_MS = 3 * SECOND_MS

export interface SeedingComponents {
  readonly node: Libp2p
  readonly key: PrivateKey
  readonly clock: Clock
  readonly random: Random
  readonly registers: SeedRegisters
}

export interface SeedingInit extends ExchangeLedgerInit {
  /** What went to and came from whom until now, for who opens one node after another. @default nothing */
  readonly ledger?: ExchangeLedger | undefined
  /** A cap that others draw on too; it takes the place of `uploadBytesPerSecond`. @default one of its own */
  readonly uploadCap?: RateCap | undefined
  /** The addresses that the record names, best first. @default the node's own */
  readonly addresses?: (() => readonly string[]) | undefined
  /** What the visitor lets out and in, in bytes a second. @default no cap */
  readonly uploadBytesPerSecond?: number | undefined
  readonly downloadBytesPerSecond?: number | undefined
}

export interface SeedingFetch extends FetchOptions {
  readonly store: PieceStore
  readonly origins?: readonly FetchOrigin[] | undefined
  /** Asks no peer and seeds nothing of it: no peer hears which model this is. @default false */
  readonly originsOnly?: boolean | undefined
}

/**
 * A node's part in passing on models: what it seeds, to whom, how fast, and what it fetches from others. The same for a
 * tab, a relay and a node in Node. Other peers see this node's address: one that hides it must not have this.
 *
 * @example
 * const seeding = await seedModels({ node, key, clock, random, registers: seedRegistersOf(node, clock, relays) })
 * await seeding.fetch(manifest, { store, origins, onProgress })   // seeds it from the first piece on
 */
export async function seedModels(components: SeedingComponents, init: SeedingInit = {}): Promise<Seeding> {
  const seeding = new Seeding(components, init)
  await seeding.start()
  return seeding
}

/** See {@link seedModels}. */
export class Seeding {
  readonly service: PiecesService
  /** What went to and came from whom in this session. */
  readonly ledger: ExchangeLedger
  readonly uploadCap: RateCap
  readonly downloadCap: RateCap
  readonly #components: SeedingComponents
  readonly #announcer: SeedAnnouncer
  readonly #directFailures: RecentPeers
  readonly #slowRelays: RecentPeers
  readonly #lateFinds = new LateAnswers<ModelHash, readonly FoundSeeder[]>()
  #unmount: (() => Promise<void>) | undefined

  constructor(components: SeedingComponents, init: SeedingInit = {}) {
    const { node, key, clock, random, registers } = components
    this.#components = components
    this.ledger = init.ledger ?? new ExchangeLedger(clock, init)
    this.uploadCap = init.uploadCap ?? new RateCap(clock, init.uploadBytesPerSecond)
    this.downloadCap = new RateCap(clock, init.downloadBytesPerSecond)
    this.#directFailures = new RecentPeers(clock, millis(DIRECT_FAILURE_MS))
    this.#slowRelays = new RecentPeers(clock, millis(SLOW_RELAY_MS))
    this.service = new PiecesService({
      clock,
      random,
      ledger: this.ledger,
      cap: this.uploadCap,
      isRelayed: isCarried,
    })
    this.#announcer = new SeedAnnouncer({
      key,
      clock,
      random,
      registers,
      service: this.service,
      addresses: init.addresses ?? (() => node.getMultiaddrs().map(String)),
    })
  }

  /** Who seeds a model, by what the relays say. */
  readonly swarm: Swarm = { find: (model, { signal }) => this.#find(model, signal) }

  async start(): Promise<void> {
    this.#unmount = await answerProtocols(this.#components.node, [
      {
        protocol: PIECES_PROTOCOL,
        handle: this.service.handle,
        maxInboundStreams: MAX_PIECES_STREAMS,
        isRelayed: true, // to be refused by name
      },
    ])
  }

  /** Seeds what a store holds of a model from now on. @throws as `PiecesService.share` */
  share(manifest: Manifest, store: SeedStore): Promise<ModelHash> {
    return this.service.share(manifest, store)
  }

  /** Seeds it no more. */
  unshare(model: ModelHash): void {
    this.service.unshare(model)
  }

  /**
   * Brings a model, and seeds what has come of it. One whose licence forbids that comes from origins alone.
   *
   * @throws as `fetchModel`
   */
  async fetch(
    manifest: Manifest,
    { store, origins, originsOnly = false, onHeld, ...options }: SeedingFetch,
  ): Promise<FetchProgress> {
    const { clock, random } = this.#components
    // What its licence lets nobody pass on no peer has to give: asking would only tell who fetches it.
    const asksPeers = !originsOnly && maySeed(manifest)
    const model = asksPeers ? await this.share(manifest, store) : undefined
    return fetchModel(
      {
        store,
        origins,
        swarm: asksPeers ? this.swarm : undefined,
        clock,
        random,
        ledger: this.ledger,
        cap: this.downloadCap,
      },
      manifest,
      {
        ...options,
        onHeld: (piece) => {
          if (model) this.service.noteHeld(model, piece)
          onHeld?.(piece)
        },
      },
    )
  }

  /** A manifest by its name, from peers. @throws as `fetchManifest` */
  fetchManifest(model: ModelHash, options: { readonly signal?: AbortSignal } = {}): Promise<Manifest> {
    return fetchManifest({ swarm: this.swarm, clock: this.#components.clock }, model, options)
  }

  /** Tells relays and peers, and ends. */
  async stop(): Promise<void> {
    this.service.stop()
    await this.#announcer.stop()
    await this.#unmount?.()
  }

  async #find(model: ModelHash, signal: AbortSignal): Promise<readonly Seeder[]> {
    const { clock, registers, node } = this.#components
    await this.#untilRegister(signal)
    const found = await findSeeders(registers.ports, model, {
      ...{ clock, signal, slow: this.#slowRelays, late: this.#lateFinds.of(model) },
    })
    const connecting: ConnectComponents = { node, clock, directFailures: this.#directFailures }
    return found
      .filter(({ peer }) => peer !== node.peerId.toString())
      .map(({ peer, record }) => ({
        name: peer,
        open: async (options) => {
          const connection = await connectStraight(connecting, peer, record.addresses, options)
          return openStream({ clock }, connection, PIECES_PROTOCOL, options)
        },
      }))
  }

  /** Until somebody can be asked, or it took too long. @throws the signal's reason */
  async #untilRegister(signal: AbortSignal): Promise<void> {
    const { clock, registers } = this.#components
    if (registers.ports.length > 0) return
    const come = new AbortController()
    const stop = registers.onChange(() => {
      if (registers.ports.length > 0) come.abort()
    })
    const either = AbortSignal.any([signal, come.signal])
    await sleep(clock, millis(REGISTER_WAIT_MS), { signal: either }).catch(() => undefined)
    stop()
    signal.throwIfAborted()
  }
}

/** A relay's and a TURN server's bytes are somebody else's. */
async function isCarried(connection: Connection): Promise<boolean> {
  return isRelayed(connection) || (await measureTurn(connection))
}
