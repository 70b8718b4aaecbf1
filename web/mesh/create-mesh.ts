import type { Connection, Libp2p } from '@libp2p/interface'
import { ChangeEmitter } from '#shared/base/change-emitter.ts'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import type { Random } from '#shared/base/random.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { JoinedRelays } from '#shared/mesh/joined-relays.ts'
import { pathOf } from '#shared/peer/connect.ts'
import { onlyProvider } from '#shared/peer/only-provider.ts'
import type { RecordRegisters } from '#shared/peer/record-registers.ts'
import { seedRegistersOf } from '#shared/peer/seed-registers.ts'
import { seedModels, type Seeding, type SeedingInit } from '#shared/peer/seeding.ts'
import { createPeer } from '#shared/peer/create-peer.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import type { SignedVerdict } from '#shared/verify/board/verdict-book.ts'
import { signVerdict, type Verdict } from '#shared/verify/verdict.ts'
import type { Peer, RelayView } from '#shared/peer/peer.ts'
import { makeBinding, type BindingTerms } from '#shared/settle/binding.ts'
import type { LeaveClaimsInit } from '#shared/settle/leave-claims.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { OpeningKeeper } from '#shared/verify/openings/opening-keeper.ts'
import { createTabNode } from './create-node.ts'
import { Identity } from './identity.ts'
import { ProvidingGuard } from './providing-guard.ts'
import type { Mesh, MeshInit } from './mesh.ts'

export interface MeshComponents {
  /** The worker's clock: main-thread timers of a hidden tab tick once a minute. */
  readonly clock: Clock
}

/** Starts the tab's node and its peer, and keeps its relays from now on. Resolves before any relay has answered. */
export async function createMesh({ clock }: MeshComponents, init: MeshInit): Promise<Mesh> {
  if (!globalThis.isSecureContext) throw new InfernetError('mesh.insecure-page')
  const identity = await (init.purpose === 'provide' ? Identity.toProvide() : Identity.toAsk())
  const node = await createTabNode({
    key: identity.key,
    iceServers: init.iceServers ?? [],
    hidesAddress: hiddenBy(init) !== undefined,
    isLocalPage: isLocalHost(location.hostname),
  })
  return new TabMesh(node, identity, clock, init)
}

const RANDOM: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

class TabMesh implements Mesh {
  readonly name: PeerName
  readonly peer: Peer
  readonly hiddenBy: Mesh['hiddenBy']
  readonly #node: Libp2p
  readonly #identity: Identity
  readonly #joined: JoinedRelays
  readonly #changes = new ChangeEmitter()
  readonly #clock: Clock
  #guard: ProvidingGuard | undefined
  #seeding: Promise<Seeding> | undefined

  constructor(node: Libp2p, identity: Identity, clock: Clock, init: MeshInit) {
    this.name = peerName(node.peerId.toString())
    this.hiddenBy = hiddenBy(init)
    this.#node = node
    this.#identity = identity
    this.#clock = clock
    this.#joined = new JoinedRelays({ node, clock, readRelays: init.readRelays }, init.relays)
    this.#joined.changes.listen(() => this.#changes.emit())
    this.peer = createPeer(
      {
        node,
        key: identity.key,
        clock,
        random: RANDOM,
        relays: init.only ? onlyProvider(this.#joined, init.only) : this.#joined,
        openings: new OpeningKeeper({ clock, random: RANDOM, store: init.openings }),
        record: init.record,
        told: init.toldBy?.(() => this.registers),
      },
      {
        kind: 'tab',
        addresses: () => this.#joined.addresses,
        hiding: this.hiddenBy && { hasTurn: this.hiddenBy === 'turn' },
      },
    )
    node.addEventListener('connection:open', this.#onConnection)
    node.addEventListener('connection:close', this.#onConnection)
    addEventListener('pagehide', this.#onLeave)
    document.addEventListener('freeze', this.#onLeave)
    document.addEventListener('resume', this.#onReturn)
    addEventListener('pageshow', this.#onReturn)
    addEventListener('online', this.#onNetwork)
    addEventListener('offline', this.#onNetwork)
    document.addEventListener('visibilitychange', this.#onReturn)
  }

  get relays(): readonly RelayView[] {
    return this.#joined.views
  }

  get registers(): readonly RecordsPort[] {
    return recordRegistersOf(this.#node, this.#clock, this.#joined).registers.map(({ port }) => port)
  }

  get directPeers(): readonly PeerName[] {
    const direct = this.#node.getConnections().filter((connection) => pathOf(connection) === 'webrtc')
    return [...new Set(direct.map(({ remotePeer }) => peerName(remotePeer.toString())))]
  }

  bind(terms: BindingTerms): Promise<Uint8Array> {
    return makeBinding(this.#identity.key, terms)
  }

  async signVerdict(verdict: Verdict): Promise<SignedVerdict> {
    return { verifier: this.name, verdict: await signVerdict(verdict, this.#identity.key) }
  }

  leaveClaims(init: LeaveClaimsInit, vouchers: readonly SignedVoucher[]): Promise<readonly SignedVoucher[]> {
    return this.#joined.leaveClaims(init, vouchers)
  }

  onChange(callback: () => void): () => void {
    return this.#changes.listen(callback)
  }

  async startProviding(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#guard ??= await ProvidingGuard.start()
    await this.#joined.provide(options)
  }

  async seeding(init: SeedingInit = {}): Promise<Seeding | undefined> {
    if (this.hiddenBy) return undefined
    this.#seeding ??= seedModels(
      {
        node: this.#node,
        key: this.#identity.key,
        clock: this.#clock,
        random: RANDOM,
        registers: seedRegistersOf(this.#node, this.#clock, this.#joined),
      },
      { ...init, addresses: () => this.#joined.addresses },
    )
    return this.#seeding
  }

  async records(): Promise<RecordRegisters> {
    return recordRegistersOf(this.#node, this.#clock, this.#joined)
  }

  async stop(): Promise<void> {
    removeEventListener('pagehide', this.#onLeave)
    document.removeEventListener('freeze', this.#onLeave)
    document.removeEventListener('resume', this.#onReturn)
    removeEventListener('pageshow', this.#onReturn)
    removeEventListener('online', this.#onNetwork)
    removeEventListener('offline', this.#onNetwork)
    document.removeEventListener('visibilitychange', this.#onReturn)
    await this.#seeding?.then((seeding) => seeding.stop())
    await this.peer.stop()
    this.#joined.stop()
    this.#guard?.stop()
    await this.#node.stop()
    await this.#identity.release() // only now: two nodes of one name would take each other's place at the relays
  }

  /** Synchronous, because nothing later is sure to run: every open job is told, and their channels close. */
  readonly #onLeave = (): void => this.peer.farewell()

  check(): void {
    this.#joined.check()
  }

  readonly #onReturn = (): void => {
    if (document.visibilityState === 'visible') this.check()
  }

  /** Also when the network went: a connection that stands is asked then, and shown for what it is. */
  readonly #onNetwork = (): void => this.check()

  readonly #onConnection = (_: CustomEvent<Connection>): void => this.#changes.emit()
}

function hiddenBy({ purpose, hidesAddress, iceServers = [] }: MeshInit): Mesh['hiddenBy'] {
  if (purpose !== 'ask' || !hidesAddress) return undefined
  const urls = iceServers.flatMap((server) => server.urls)
  return urls.some((url) => /^turns?:/.test(url)) ? 'turn' : 'relay'
}
