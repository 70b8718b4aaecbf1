import type { Connection, PeerId, PrivateKey } from '@libp2p/interface'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import type { NetworkInfo } from '#shared/mesh/network-info.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { CatalogueFile } from './config/catalogue-file.ts'
import { addedFolderOf, locateModelFiles } from './config/models-folder.ts'
import { ControlFile, type Control } from './config/control-file.ts'
import type { RelayConfig } from './config/options.ts'
import type { OfferGossip } from './gossip/offer-gossip.ts'
import { RelayNetwork } from './gossip/relay-network.ts'
import { STOP_DEADLINE_MS } from './base/limits.ts'
import { nodeClock } from './base/node-clock.ts'
import type { RelayHost, RelayMount } from './mount/relay-host.ts'
import { createNode, type RelayNode } from './node/create-node.ts'
import { freePlacesOfGonePeers } from './node/free-places.ts'
import { keepConnectionsLive, newestFirst } from './node/live-connections.ts'
import { RelayedTraffic } from './node/relayed-traffic.ts'
import { sharePlaces } from './node/share-places.ts'
import { secureWebSocketListener } from './node/websocket-listener.ts'
import { setLogLevel, type Logger } from './observe/log.ts'
import { RelayMetrics, type ReservationRefusal } from './observe/metrics.ts'
import type { ClientAddress } from './serve/client-address.ts'
import type { ChainPort } from './serve/chain-port.ts'
import { chainInfoFor, otherRelaysFor, relaysFor, type HealthInfo } from './serve/network-info.ts'
import { guessAddresses, type SeenHost } from './serve/own-address.ts'
import type { PublicationsPort } from './serve/publications-route.ts'
import { Site } from './serve/site.ts'
import { parseSocketAddress } from './base/socket-address.ts'

export interface RelayComponents {
  readonly privateKey: PrivateKey
  readonly log: Logger
  /** @default the machine's clock */
  readonly clock?: Clock
}

export interface RelayInit {
  readonly config: RelayConfig
  readonly version: string
  /** Started in this order once the node is up, stopped in the reverse one. @default [] */
  readonly mounts?: readonly RelayMount[]
  /** How often other relays are told of this one. @default RELAY_RECORD_MS */
  readonly recordMs?: number
}

/** A relay: introduces peers, serves the page, and knows other relays. */
export function createRelay(components: RelayComponents, init: RelayInit): Relay {
  return new Relay(components, init)
}

/** See {@link createRelay}. What needs the running node throws before `start` is done. */
export class Relay implements RelayHost {
  readonly #components: Required<RelayComponents>
  readonly #init: RelayInit
  readonly #metrics: RelayMetrics
  readonly #site: Site
  readonly #control: ControlFile
  readonly #catalogue: CatalogueFile
  /** Of the start, which holds unless the control file says otherwise. */
  readonly #logLevel: string
  readonly #name: PeerName
  readonly #startedAt = performance.now()
  readonly #undo: (() => Promise<void> | void)[] = []
  #status: HealthInfo['status'] = 'starting'
  #node: RelayNode | undefined
  #network: RelayNetwork | undefined
  #listenerPort: number | undefined
  #countOffers: () => number = () => 0
  #chain: ChainPort | undefined
  #publications: PublicationsPort | undefined

  constructor(components: RelayComponents, init: RelayInit) {
    this.#components = { clock: nodeClock, ...components }
    this.#init = init
    this.#logLevel = components.log.level
    this.#name = peerName(components.privateKey.publicKey.toString())
    this.#metrics = new RelayMetrics({
      peers: () => this.#node?.getPeers().length ?? 0,
      connections: () => this.#node?.getConnections().length ?? 0,
      reservations: () => this.#node?.services.relay.reservations.size ?? 0,
      offers: () => this.#countOffers(),
      relays: () => this.#network?.connected.length ?? 0,
    })
    this.#control = new ControlFile(init.config.controlFile)
    this.#catalogue = new CatalogueFile(init.config.catalogue, {
      key: components.privateKey,
      locate: locateModelFiles(init.config),
      addedFolder: addedFolderOf(init.config),
    })
    this.#metrics.describe({ version: init.version, limits: limitsOf(init.config) })
    this.#metrics.watchMaintenance(() => this.#control.current.isInMaintenance)
    this.#site = new Site({
      mayAddress: (ip) => this.#control.current.mayAddress(ip),
      config: init.config,
      clock: this.#components.clock,
      log: components.log,
      metrics: this.#metrics,
      targetPort: () => (this.#status === 'ok' ? this.#listenerPort : undefined),
      health: () => this.#health(),
      networkInfo: (seen) => this.#networkInfo(seen),
      chain: () => this.#chain,
      catalogue: () => this.#catalogue.served,
      publications: () => this.#publications,
    })
  }

  get name(): PeerName {
    return this.#name
  }

  get node(): RelayNode {
    return started(this.#node)
  }

  /** Where a browser on this machine opens the page. */
  get httpUrl(): string {
    return this.#site.url
  }

  get addresses(): readonly string[] {
    const { config } = this.#init
    const bare =
      config.announce.length > 0
        ? config.announce
        : guessAddresses(config.host, this.#site.port, this.#site.isSecure)
    return bare.map((address) =>
      parseSocketAddress(address)?.peer === undefined ? `${address}/p2p/${this.#name}` : address,
    )
  }

  get offers(): OfferGossip {
    return started(this.#network).offers
  }

  /** Other relays with a connection now. */
  get relays(): readonly PeerName[] {
    return this.#network?.connected ?? []
  }

  countOffersBy(count: () => number): void {
    this.#countOffers = count
  }

  get metrics(): RelayMetrics {
    return this.#metrics
  }

  attachChain(chain: ChainPort): void {
    this.#chain = chain
  }

  servePublications(publications: PublicationsPort): void {
    this.#publications = publications
  }

  clientOf(connection: Pick<Connection, 'remoteAddr'>): ClientAddress | undefined {
    return this.#site.clientBehind(portOf(connection))
  }

  get catalogue(): readonly CatalogueEntry[] {
    return this.#catalogue.entries
  }

  /** Reads the certificate, the control file and the catalogue again, for SIGHUP. */
  reload(): void {
    this.#site.reloadCertificate()
    this.#control.reload()
    this.#catalogue.reload()
  }

  get isInMaintenance(): boolean {
    return this.#control.current.isInMaintenance
  }

  /** @throws StartError for what the operator can mend. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (thrown) {
      await this.stop()
      throw thrown
    }
  }

  /** Undoes all of `start` within {@link STOP_DEADLINE_MS}; may be called at any time. */
  async stop(): Promise<void> {
    if (this.#status === 'stopping') return
    this.#status = 'stopping'
    const deadline = Promise.withResolvers<void>()
    const timer = setTimeout(deadline.resolve, STOP_DEADLINE_MS)
    await Promise.race([this.#stopAll(), deadline.promise])
    clearTimeout(timer)
  }

  async #start(): Promise<void> {
    const { config, mounts = [], recordMs } = this.#init
    const { clock, log, privateKey } = this.#components
    this.#undo.push(() => this.#metrics.stop())
    this.#undo.push(() => this.#control.stop())
    this.#control.listen({
      onChange: (control) => this.#take(control),
      onRefused: (words) => log.warn(words),
    })
    this.#undo.push(() => this.#catalogue.stop())
    await this.#catalogue.start({
      onChange: (models) => log.info({ models }, 'catalogue taken'),
      onRefused: (words) => log.warn(words),
    })
    // First the port, because the node announces it; upgrades are answered 503 until all is up.
    this.#undo.push(() => this.#site.stop({ signal: AbortSignal.timeout(STOP_DEADLINE_MS / 2) }))
    await this.#site.start()
    const node = await this.#createNode()
    this.#undo.push(() => node.stop())
    node.addEventListener('connection:open', ({ detail }) => {
      if (detail.direction === 'inbound') this.#site.markJoined(portOf(detail))
    })
    await node.start()
    this.#listenerPort = secureWebSocketListener(node)
    this.#undo.push(freePlacesOfGonePeers(node, () => this.#metrics.reservationsFreed.inc()))
    const sharing = {
      addressGroupOf: (peer: PeerId) => this.#addressGroupOf(peer),
      onRefused: () => void this.#refuseReservation('full'),
      onCut: () => this.#metrics.socketsCut.inc({ reason: 'crowded-places' }),
    }
    this.#undo.push(sharePlaces(node, sharing))
    this.#undo.push(keepConnectionsLive(node, () => this.#metrics.deadConnections.inc()))
    const network = new RelayNetwork(
      {
        ...{ node, privateKey, clock, log: log.child({ scope: 'gossip' }), metrics: this.#metrics },
        groupOf: (neighbour) => this.#addressGroupOf(neighbour),
      },
      { peers: config.peers, admit: config.admit, addresses: this.addresses, recordMs },
    )
    this.#network = network
    this.#undo.push(() => network.stop())
    network.start()
    for (const mount of mounts) {
      const mounted = await mount(this)
      this.#undo.push(() => mounted.stop())
    }
    if (this.#status === 'starting') this.#status = 'ok'
  }

  async #createNode(): Promise<RelayNode> {
    const { clock, log, privateKey } = this.#components
    const traffic = new RelayedTraffic({
      clock,
      streamsOf: (peer) => this.node.getConnections(peer).flatMap(({ streams }) => streams),
      addressGroupOf: (peer) => this.#addressGroupOf(peer),
      onBytes: (bytes) => this.#metrics.relayedBytes.inc(bytes),
      onOpen: (isAllowed) =>
        this.#metrics.relayedConnections.inc({ result: isAllowed ? 'allowed' : 'limited' }),
    })
    const isPiped = (port: number): boolean => this.#site.clientBehind(port) !== undefined
    const components = {
      ...{ privateKey, log, traffic, isPiped },
      mayPeer: (peer: string) => this.#control.current.mayPeer(peer),
      refusesReservation: (peer: PeerId) => this.#refusesReservation(peer),
    }
    this.#node = await createNode(components, this.#init.config, this.addresses)
    return this.#node
  }

  #refusesReservation(peer: PeerId): boolean {
    const control = this.#control.current
    if (!control.mayPeer(peer.toString())) return this.#refuseReservation('denied-peer')
    // Who has a place keeps it as long as it stays.
    const isOpen = this.node.services.relay.reservations.has(peer)
    return control.isInMaintenance && !isOpen ? this.#refuseReservation('maintenance') : false
  }

  #refuseReservation(reason: ReservationRefusal): true {
    this.#metrics.reservationsRefused.inc({ reason })
    this.#components.log.debug({ reason }, 'reservation refused')
    return true
  }

  /** Takes over what the operator has changed: whoever is turned away now goes at once. */
  #take(control: Control): void {
    const { log } = this.#components
    setLogLevel(log, control.logLevel ?? this.#logLevel)
    log.info({ maintenance: control.isInMaintenance, logLevel: control.logLevel }, 'control file taken')
    for (const connection of this.#node?.getConnections() ?? []) {
      const client = this.clientOf(connection)
      const may =
        control.mayPeer(connection.remotePeer.toString()) && (!client || control.mayAddress(client.ip))
      if (!may) connection.abort(new Error('the operator turns this peer away'))
    }
  }

  #addressGroupOf(peer: PeerId): string | undefined {
    const [connection] = newestFirst(this.node.getConnections(peer))
    return connection && this.clientOf(connection)?.group
  }

  async #stopAll(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (thrown) {
        this.#components.log.warn({ err: thrown }, 'a part did not stop cleanly')
      }
    }
  }

  #health(): HealthInfo {
    return {
      status: this.#status === 'ok' && this.isInMaintenance ? 'maintenance' : this.#status,
      version: this.#init.version,
      peerId: this.#name,
      uptimeSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
      peers: this.#node?.getPeers().length ?? 0,
      reservations: this.#node?.services.relay.reservations.size ?? 0,
      offers: this.#countOffers(),
      relays: this.#network?.connected.length ?? 0,
      ...(this.#chain ? { chain: this.#chain.health() } : {}),
    }
  }

  #networkInfo(seen: SeenHost): NetworkInfo {
    const { config, version } = this.#init
    return {
      version,
      peerId: this.#name,
      relays: relaysFor(seen, this.#name, config.announce.length > 0 ? this.addresses : []),
      isAnnounced: config.announce.length > 0,
      otherRelays: otherRelaysFor(seen, this.#network?.reachable ?? []),
      iceServers: config.iceServers,
      ...(config.hub === '' ? {} : { hub: config.hub }),
      ...(this.#chain ? chainInfoFor(seen, this.#chain) : {}),
    }
  }
}

/** Of what libp2p takes for the other end, which is our own HTTP server on loopback. */
function portOf({ remoteAddr }: Pick<Connection, 'remoteAddr'>): number {
  return Number(remoteAddr.getComponents()[1]?.value)
}

function limitsOf(config: RelayConfig): Readonly<Record<string, number>> {
  return {
    reservations: config.maxReservations,
    connections: config.maxConnections,
    'connections-per-ip': config.connectionsPerIp,
    'connections-per-ip-per-second': config.connectionsPerIpPerSecond,
    'relay-data-bytes': config.relayDataLimitBytes,
    'relay-duration-seconds': config.relayDurationMs / 1000,
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the relay is not started')
  return part
}
