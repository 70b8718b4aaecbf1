import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { raceSignal, sleep } from '#shared/base/wait.ts'
import { MAX_RELAY_LINKS, REDIAL_MAX_MS, REDIAL_MIN_MS, SILENT_CLIENT_MS } from '../base/limits.ts'
import type { RelayNode } from '../node/create-node.ts'
import type { Logger } from '../observe/log.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import { systemReason } from '../base/system-reason.ts'
import { whyUnreachable } from './why-unreachable.ts'
import type { KnownRelays } from './known-relays.ts'

export interface RelayLinksComponents {
  readonly node: RelayNode
  readonly clock: Clock
  readonly log: Logger
  readonly known: KnownRelays
}

export interface RelayLinksInit {
  /** Addresses from the configuration: dialled until the relay stops. */
  readonly peers: readonly string[]
  /** Learned addresses in private networks are dialled only by a relay that is itself in one. */
  readonly allowLocal: boolean
  /** How often learned relays are looked at. */
  readonly lookMs: number
}

const DIAL_TIMEOUT_MS = 10 * SECOND_MS
/** A connection that lasted this long was a good one: the next redial is quick again. */
const STABLE_MS = 10 * SECOND_MS
/** A learned relay that cannot be reached so many times in a row is left to others until its next record. */
const LEARNED_ATTEMPTS = 5

interface Link {
  readonly address: string
  readonly isConfigured: boolean
  peer: PeerId | undefined
  /** Whether it was told that it cannot be reached, which is told once until it can. */
  isMissed?: boolean
}

/** Keeps connections to other relays: libp2p does not bring one back by itself, whatever its tags say (measured). */
export class RelayLinks {
  readonly #components: RelayLinksComponents
  readonly #init: RelayLinksInit
  readonly #links = new Set<Link>()
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(components: RelayLinksComponents, init: RelayLinksInit) {
    this.#components = components
    this.#init = init
  }

  start(): void {
    for (const address of this.#init.peers) this.#keep({ address, isConfigured: true, peer: undefined })
    this.#run(this.#look())
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  /** Relays with a connection now, whoever opened it. */
  get connected(): PeerName[] {
    const open = new Set(this.#components.node.getPeers().map(String))
    const names = this.#components.known.list().map(({ name }) => String(name))
    const configured = [...this.#links].map(({ peer }) => peer?.toString() ?? '')
    return [...new Set([...names, ...configured])].filter((name) => open.has(name)).map(peerName)
  }

  /** Whether the operator named this relay: by its address in the configuration, once that was reached or says who it is. */
  isConfigured(name: PeerName): boolean {
    return [...this.#links].some(
      ({ isConfigured, peer, address }) =>
        isConfigured && (peer?.toString() ?? parseSocketAddress(address)?.peer) === name,
    )
  }

  #keep(link: Link): void {
    this.#links.add(link)
    this.#run(this.#keepConnected(link).finally(() => this.#links.delete(link)))
  }

  #run(task: Promise<void>): void {
    const done = task.catch((thrown: unknown) => {
      if (!this.#stop.signal.aborted) this.#components.log.error({ err: thrown }, 'relay link ended')
    })
    this.#running.add(done)
    void done.finally(() => this.#running.delete(done))
  }

  async #keepConnected(link: Link): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stop
    let delay = REDIAL_MIN_MS
    let failures = 0
    while (!signal.aborted) {
      const openedAt = clock.monotonic()
      const isOpen = await this.#dial(link)
      if (isOpen === 'never') return
      if (isOpen) await this.#untilGone(link)
      const lastedMs = clock.monotonic() - openedAt
      failures = isOpen ? 0 : failures + 1
      if (isOpen && lastedMs >= STABLE_MS) delay = REDIAL_MIN_MS
      if (!link.isConfigured && failures >= LEARNED_ATTEMPTS) return
      await sleep(clock, jittered(delay), { signal })
      delay = Math.min(2 * delay, REDIAL_MAX_MS)
    }
  }

  /** True when connected; `never` when it makes no sense to try again. */
  async #dial(link: Link): Promise<boolean | 'never'> {
    const { node, log } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    try {
      const connection = await node.dial(multiaddr(link.address), { signal })
      if (!link.peer || link.isMissed)
        log.info({ relay: connection.remotePeer.toString(), address: link.address }, 'relay joined')
      link.peer = connection.remotePeer
      link.isMissed = false
      return true
    } catch (thrown) {
      if (this.#stop.signal.aborted) return 'never'
      const isSelf = thrown instanceof Error && thrown.name === 'DialError' && /self/i.test(thrown.message)
      if (isSelf || parseSocketAddress(link.address)?.peer === node.peerId.toString()) {
        log.warn({ address: link.address }, 'that --peer is this relay itself')
        return 'never'
      }
      await this.#tellMissed(link, thrown)
      return false
    }
  }

  /** An operator who named a relay waits for it; one that gossip told of may be gone for good. */
  async #tellMissed(link: Link, thrown: unknown): Promise<void> {
    const { log } = this.#components
    log.debug({ address: link.address, err: thrown }, 'relay not reached')
    if (!link.isConfigured || link.isMissed) return
    link.isMissed = true
    const target = parseSocketAddress(link.address)
    const reason = (target && (await whyUnreachable(target, this.#stop.signal))) ?? systemReason(thrown)
    log.warn(
      { address: link.address },
      `the relay of --peer is not reached (${reason}); it is tried again until it is`,
    )
  }

  /** Also ends a connection over which nothing is heard: a peer that once sent too much stays deaf until it redials. */
  async #untilGone({ peer, address }: Link): Promise<void> {
    const { node, clock, known, log } = this.#components
    const since = clock.now()
    while (peer && node.getConnections(peer).length > 0) {
      await this.#disconnectOf(peer, SILENT_CLIENT_MS / 4)
      const heardAt = known.heardAt(peerName(peer.toString())) ?? since
      if (clock.now() - Math.max(heardAt, since) < SILENT_CLIENT_MS) continue
      log.warn({ address }, 'relay silent, connecting again')
      await node.hangUp(peer).catch(() => undefined)
    }
  }

  async #disconnectOf(peer: PeerId, limitMs: number): Promise<void> {
    const { node, clock } = this.#components
    const gone = Promise.withResolvers<void>()
    const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
      if (detail.equals(peer)) gone.resolve()
    }
    node.addEventListener('peer:disconnect', onDisconnect)
    const timer = clock.schedule(millis(limitMs), () => gone.resolve())
    try {
      await raceSignal(gone.promise, this.#stop.signal)
    } finally {
      timer.stop()
      node.removeEventListener('peer:disconnect', onDisconnect)
    }
  }

  /** Opens links to relays that gossip told of, while there are few. */
  async #look(): Promise<void> {
    const { clock, known } = this.#components
    for (;;) {
      await sleep(clock, jittered(this.#init.lookMs), { signal: this.#stop.signal })
      const connected = new Set(this.connected)
      for (const { name, addresses } of known.list()) {
        if (connected.size >= MAX_RELAY_LINKS || this.#links.size >= MAX_RELAY_LINKS) break
        const address = addresses.find((each) => this.#isDialable(each))
        const isTried = [...this.#links].some((link) => link.address === address)
        if (connected.has(name) || address === undefined || isTried) continue
        connected.add(name)
        this.#keep({ address, isConfigured: false, peer: undefined })
      }
    }
  }

  #isDialable(address: string): boolean {
    const host = parseSocketAddress(address)?.host
    return host !== undefined && (this.#init.allowLocal || !isLocalHost(host))
  }
}

function jittered(ms: number): ReturnType<typeof millis> {
  return millis(ms * (0.9 + 0.2 * Math.random()))
}
