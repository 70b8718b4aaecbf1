import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ChangeEmitter } from '#shared/base/change-emitter.ts'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { millis } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { openStream, pathOf } from '#shared/peer/connect.ts'
import { createPeer } from '#shared/peer/create-peer.ts'
import type { Payee, Payer, Peer, RelayView } from '#shared/peer/peer.ts'
import type { DirectoryPort } from '#shared/schedule/directory-port.ts'
import { makeBinding, type BindingTerms } from '#shared/settle/binding.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import { leaveClaims, type LeaveClaimsInit } from '#shared/settle/leave-claims.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { MAX_RELAYS, RESERVATION_DEADLINE_MS } from './constants.ts'
import { createNode } from './create-node.ts'
import { Identity } from './identity.ts'
import { LendingGuard } from './lending-guard.ts'
import type { Mesh, MeshInit } from './mesh.ts'
import { RelayKeeper } from './relay-keeper.ts'

export interface MeshComponents {
  /** The worker's clock: main-thread timers of a hidden tab tick once a minute. */
  readonly clock: Clock
}

/** Starts the tab's node and its peer, and keeps its relays from now on. Resolves before any relay has answered. */
export async function createMesh({ clock }: MeshComponents, init: MeshInit): Promise<Mesh> {
  if (!globalThis.isSecureContext) throw new InfernetError('mesh.insecure-page')
  const identity = await (init.purpose === 'lend' ? Identity.toLend() : Identity.toAsk())
  const node = await createNode({
    key: identity.key,
    iceServers: init.iceServers ?? [],
    hidesAddress: hiddenBy(init) !== undefined,
    isLocalPage: isLocalHost(location.hostname),
  })
  return new TabMesh(node, identity, clock, init)
}

class TabMesh implements Mesh {
  readonly name: PeerName
  readonly peer: Peer
  payer: Payer | undefined
  payee: Payee | undefined
  readonly hiddenBy: Mesh['hiddenBy']
  readonly #node: Libp2p
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #keepers: readonly RelayKeeper[]
  readonly #changes = new ChangeEmitter()
  readonly #relayChanges = new ChangeEmitter()
  #relaysBefore = ''
  #guard: LendingGuard | undefined

  constructor(node: Libp2p, identity: Identity, clock: Clock, init: MeshInit) {
    this.name = peerName(node.peerId.toString())
    this.hiddenBy = hiddenBy(init)
    this.#node = node
    this.#identity = identity
    this.#clock = clock
    this.#keepers = init.relays.slice(0, MAX_RELAYS).map((address) => new RelayKeeper(node, clock, address))
    for (const keeper of this.#keepers) keeper.changes.listen(this.#onKeeper)
    const payments = {
      payer: () => this.payer,
      payee: () => this.payee,
    }
    this.peer = createPeer(
      {
        get payer() {
          return payments.payer()
        },
        get payee() {
          return payments.payee()
        },
        node,
        key: identity.key,
        clock,
        random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
        relays: this.#source(),
      },
      {
        kind: 'tab',
        addresses: () => this.#offeredAddresses(),
        hiding: this.hiddenBy && { hasTurn: this.hiddenBy === 'turn' },
      },
    )
    node.addEventListener('self:peer:update', this.#onKeeper)
    node.addEventListener('connection:open', this.#onConnection)
    node.addEventListener('connection:close', this.#onConnection)
    addEventListener('pagehide', this.#onLeave)
    document.addEventListener('freeze', this.#onLeave)
    document.addEventListener('resume', this.#onReturn)
    addEventListener('pageshow', this.#onReturn)
    addEventListener('online', this.#onReturn)
  }

  get relays(): readonly RelayView[] {
    return this.#keepers.map((keeper) => keeper.view)
  }

  get directPeers(): readonly PeerName[] {
    const direct = this.#node.getConnections().filter((connection) => pathOf(connection) === 'webrtc')
    return [...new Set(direct.map(({ remotePeer }) => peerName(remotePeer.toString())))]
  }

  bind(terms: BindingTerms): Promise<Uint8Array> {
    return makeBinding(this.#identity.key, terms)
  }

  async leaveClaims(
    init: LeaveClaimsInit,
    vouchers: readonly SignedVoucher[],
  ): Promise<readonly SignedVoucher[]> {
    const up = this.#keepers.filter(({ isUp }) => isUp)
    const left = await Promise.allSettled(
      up.map(async ({ relay }) => {
        const open = ({ signal }: { signal?: AbortSignal | undefined }): Promise<Stream> =>
          this.#openRelayStream(relay, signal)
        const refused = await leaveClaims({ clock: this.#clock, openStream: open }, init, vouchers)
        return vouchers.filter((each) => !refused.some(({ signed }) => signed === each))
      }),
    )
    return vouchers.filter((each) =>
      left.some((result) => result.status === 'fulfilled' && result.value.includes(each)),
    )
  }

  onChange(callback: () => void): () => void {
    return this.#changes.listen(callback)
  }

  async startLending({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#guard ??= await LendingGuard.start()
    for (const keeper of this.#keepers) keeper.lend()
    const late = (): Error => new InfernetError('mesh.reservation-refused')
    await withDeadline(
      this.#clock,
      millis(RESERVATION_DEADLINE_MS),
      late,
      (own) => this.#untilReserved(own),
      { signal },
    )
  }

  async stop(): Promise<void> {
    removeEventListener('pagehide', this.#onLeave)
    document.removeEventListener('freeze', this.#onLeave)
    document.removeEventListener('resume', this.#onReturn)
    removeEventListener('pageshow', this.#onReturn)
    removeEventListener('online', this.#onReturn)
    await this.peer.stop()
    for (const keeper of this.#keepers) keeper.stop()
    this.#guard?.stop()
    await this.#node.stop()
    await this.#identity.release() // only now: two nodes of one name would take each other's place at the relays
  }

  /** @throws InfernetError `mesh.unreachable` or `wire.closed` */
  #openRelayStream(relay: PeerName, signal: AbortSignal | undefined): Promise<Stream> {
    const [connection] = this.#node.getConnections(peerIdFromString(relay))
    if (!connection) throw new InfernetError('mesh.unreachable')
    return openStream({ clock: this.#clock }, connection, SETTLE_PROTOCOL, { signal })
  }

  /** Synchronous, because nothing later is sure to run: every open job is told, and their channels close. */
  readonly #onLeave = (): void => this.peer.farewell()

  readonly #onReturn = (): void => {
    for (const keeper of this.#keepers) keeper.hurry()
  }

  /** Offers are renewed when a relay came up or our addresses changed, not at each change of a figure. */
  readonly #onKeeper = (): void => {
    const relays = this.#keepers.map(({ relay, isUp }) => `${relay} ${isUp}`)
    const now = [...relays, ...this.#offeredAddresses()].join()
    this.#changes.emit()
    if (now === this.#relaysBefore) return
    this.#relaysBefore = now
    this.#relayChanges.emit()
  }

  readonly #onConnection = (_: CustomEvent<Connection>): void => this.#changes.emit()

  #source() {
    const upKeepers = (): RelayKeeper[] => this.#keepers.filter((keeper) => keeper.isUp)
    const onChange = (callback: () => void): (() => void) => this.#relayChanges.listen(callback)
    const viewsOf = (): readonly RelayView[] => this.relays
    return {
      get directories(): readonly DirectoryPort[] {
        return upKeepers().map(({ directory }) => directory)
      },
      get views(): readonly RelayView[] {
        return viewsOf()
      },
      onChange,
    }
  }

  /** WebRTC through each relay we dialled ourselves, then the relayed way; what else the relay says of itself last. */
  #offeredAddresses(): string[] {
    const own = this.#node.getMultiaddrs().map(String)
    const known = own.filter((address) => this.#keepers.some((keeper) => address.startsWith(keeper.address)))
    const direct = known.filter((address) => address.includes('/webrtc'))
    return [...direct, ...known.filter((address) => !address.includes('/webrtc'))]
  }

  #untilReserved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (!this.#keepers.some((keeper) => keeper.isReserved)) return
        stop()
        resolve()
      }
      const stop = this.onChange(settle)
      signal.addEventListener('abort', () => {
        stop()
        reject(InfernetError.from(signal.reason))
      })
      settle()
    })
  }
}

function hiddenBy({ purpose, hidesAddress, iceServers = [] }: MeshInit): Mesh['hiddenBy'] {
  if (purpose !== 'ask' || !hidesAddress) return undefined
  const urls = iceServers.flatMap((server) => server.urls)
  return urls.some((url) => /^turns?:/.test(url)) ? 'turn' : 'relay'
}

/** Loopback names, and the address ranges that no router carries. */
function isLocalHost(host: string): boolean {
  return /^(localhost|127\.|\[::1\]|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host)
}
