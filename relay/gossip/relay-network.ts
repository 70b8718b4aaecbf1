import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { RELAY_RECORD_MS } from '../base/limits.ts'
import type { RelayNode } from '../node/create-node.ts'
import type { Logger } from '../observe/log.ts'
import type { RelayMetrics } from '../observe/metrics.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import { KnownRelays, type KnownRelay } from './known-relays.ts'
import { bringerOf, type OfferGossip } from './offer-gossip.ts'
import { RelayGossip } from './relay-gossip.ts'
import { RelayLinks } from './relay-links.ts'
import { sealRelayRecord } from './relay-record.ts'

export interface RelayNetworkComponents {
  readonly node: RelayNode
  readonly privateKey: PrivateKey
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: RelayMetrics
  /** By which address block a neighbour is counted, where that is known. */
  readonly groupOf?: ((neighbour: PeerId) => string | undefined) | undefined
}

export interface RelayNetworkInit {
  /** Relays to join. */
  readonly peers: readonly string[]
  /** Own addresses for the record, with peer id. */
  readonly addresses: readonly string[]
  /** Relays that are admitted to gossip besides those of `peers`. @default none */
  readonly admit?: readonly string[] | undefined
  /** How often the record is told. @default RELAY_RECORD_MS */
  readonly recordMs?: number | undefined
}

/** A newcomer is told of us after this long; several newcomers at once cost one message. */
const GREETING_MS = SECOND_MS / 2

/** This relay among the others: it keeps links to some, tells that it is there, and hears who else is. */
export class RelayNetwork {
  readonly #components: RelayNetworkComponents
  readonly #init: RelayNetworkInit
  readonly #self: PeerName
  readonly #known: KnownRelays
  readonly #gossip: RelayGossip
  readonly #links: RelayLinks
  #timer: { stop(): void } | undefined
  #isStopped = false

  constructor(components: RelayNetworkComponents, init: RelayNetworkInit) {
    const { node, clock, log, metrics, groupOf } = components
    this.#components = components
    this.#init = init
    this.#self = peerName(node.peerId.toString())
    this.#known = new KnownRelays(clock, this.#self)
    this.#gossip = new RelayGossip({
      node,
      clock,
      log,
      groupOf,
      isAdmitted: (relay) => this.#isAdmitted(relay),
      onJudged: (topic, outcome) => metrics.gossip.inc({ topic, outcome }),
    })
    const allowLocal = init.addresses.some((address) => isLocalHost(parseSocketAddress(address)?.host ?? ''))
    const lookMs = (init.recordMs ?? RELAY_RECORD_MS) / 3
    this.#links = new RelayLinks(
      { node, clock, log, known: this.#known },
      { peers: init.peers, allowLocal, lookMs },
    )
  }

  /** The channel for the directory. */
  get offers(): OfferGossip {
    return this.#gossip.offers
  }

  /** Other relays with a connection now. */
  get connected(): readonly PeerName[] {
    return this.#links.connected
  }

  /** Connected relays that told where tabs can reach them. */
  get reachable(): readonly KnownRelay[] {
    const connected = new Set(this.connected)
    return this.#known.list().filter(({ name }) => connected.has(name))
  }

  #isAdmitted(relay: PeerName): boolean {
    return this.#links.isConfigured(relay) || (this.#init.admit?.includes(relay) ?? false)
  }

  start(): void {
    this.#gossip.onRecord((message, by) => this.#known.take(message, by.relay, bringerOf(by)))
    this.#gossip.onNewNeighbour(() => this.#tellIn(GREETING_MS))
    this.#gossip.start()
    this.#links.start()
    this.#tellIn(0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.stop()
    this.#gossip.stop()
    await this.#links.stop()
  }

  /** One timer: an earlier telling replaces the later one, and each plans the next. */
  #tellIn(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer?.stop()
    this.#timer = this.#components.clock.schedule(millis(delayMs), () => {
      this.#tellIn(this.#init.recordMs ?? RELAY_RECORD_MS)
      this.#tell().catch((thrown: unknown) => this.#components.log.error({ err: thrown }, 'record not told'))
    })
  }

  async #tell(): Promise<void> {
    const { privateKey, clock } = this.#components
    const { addresses } = this.#init
    this.#gossip.publishRecord(await sealRelayRecord(privateKey, this.#self, { addresses, now: clock.now() }))
  }
}
