import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { openStream } from '../peer/connect.ts'
import type { RelaySource } from '../peer/create-peer.ts'
import type { RelayView } from '../peer/peer.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { SETTLE_PROTOCOL } from '../settle/claim-messages.ts'
import { leaveClaims, type LeaveClaimsInit } from '../settle/leave-claims.ts'
import type { SignedVoucher } from '../settle/voucher.ts'
import { MAX_RELAYS, RESERVATION_DEADLINE_MS } from './constants.ts'
import { isOutdated } from './is-outdated.ts'
import { RelayKeeper } from './relay-keeper.ts'

export interface JoinedRelaysComponents {
  readonly node: Libp2p
  readonly clock: Clock
}

/**
 * The relays that a node keeps: what its peer asks for offers, through which others find it, and with whom it leaves its
 * vouchers. The same for a tab and for a node in Node; each is kept from the moment this is made.
 */
export class JoinedRelays implements RelaySource {
  /** After each change of a relay or a figure of it. */
  readonly changes = new ChangeEmitter()
  readonly #node: Libp2p
  readonly #clock: Clock
  readonly #keepers: readonly RelayKeeper[]
  readonly #relayChanges = new ChangeEmitter()
  #before = ''

  /** @param relays multiaddrs with peer ids, the best first; {@link MAX_RELAYS} of them are kept */
  constructor({ node, clock }: JoinedRelaysComponents, relays: readonly string[]) {
    this.#node = node
    this.#clock = clock
    this.#keepers = relays.slice(0, MAX_RELAYS).map((address) => new RelayKeeper(node, clock, address))
    for (const keeper of this.#keepers) keeper.changes.listen(this.#onKeeper)
    node.addEventListener('self:peer:update', this.#onKeeper)
  }

  get directories(): readonly DirectoryPort[] {
    return this.#up.map(({ directory }) => directory)
  }

  get views(): readonly RelayView[] {
    return this.#keepers.map(({ view }) => view)
  }

  /** Calls back when a relay came or went, or our addresses changed: offers are renewed then. Returns what undoes it. */
  onChange(callback: () => void): () => void {
    return this.#relayChanges.listen(callback)
  }

  /** WebRTC through each relay that was dialled from here, then the relayed way; what else a relay says of itself is left out. */
  get addresses(): readonly string[] {
    const own = this.#node.getMultiaddrs().map(String)
    const known = own.filter((address) => this.#keepers.some((keeper) => address.startsWith(keeper.address)))
    const direct = known.filter((address) => address.includes('/webrtc'))
    return [...direct, ...known.filter((address) => !address.includes('/webrtc'))]
  }

  /**
   * Takes a place at each relay, so that others can come, until the node stops. Resolves when the first one stands.
   *
   * @throws InfernetError `mesh.reservation-refused` within {@link RESERVATION_DEADLINE_MS}, `mesh.outdated` where all
   * relays speak a newer version, or the signal's reason
   */
  async provide({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    for (const keeper of this.#keepers) keeper.provide()
    const late = (): Error => new InfernetError('mesh.reservation-refused')
    const limit = millis(RESERVATION_DEADLINE_MS)
    await withDeadline(this.#clock, limit, late, (own) => this.#untilReserved(own), { signal })
  }

  /** Leaves vouchers with every relay that is up; gives those that one at least keeps. Never throws. */
  async leaveClaims(
    init: LeaveClaimsInit,
    vouchers: readonly SignedVoucher[],
  ): Promise<readonly SignedVoucher[]> {
    const left = await Promise.allSettled(
      this.#up.map(async ({ relay }) => {
        const open = ({ signal }: { signal?: AbortSignal | undefined }): Promise<Stream> =>
          this.#openStream(relay, signal)
        const refused = await leaveClaims({ clock: this.#clock, openStream: open }, init, vouchers)
        return vouchers.filter((each) => !refused.some(({ signed }) => signed === each))
      }),
    )
    return vouchers.filter((each) =>
      left.some((result) => result.status === 'fulfilled' && result.value.includes(each)),
    )
  }

  /** Looks at once instead of after the pause: the page came back, or the network did. */
  hurry(): void {
    for (const keeper of this.#keepers) keeper.hurry()
  }

  stop(): void {
    this.#node.removeEventListener('self:peer:update', this.#onKeeper)
    for (const keeper of this.#keepers) keeper.stop()
  }

  get #up(): readonly RelayKeeper[] {
    return this.#keepers.filter(({ isUp }) => isUp)
  }

  /** Offers are renewed when a relay came up or our addresses changed, not at each change of a figure. */
  readonly #onKeeper = (): void => {
    const relays = this.#keepers.map(({ relay, isUp }) => `${relay} ${isUp}`)
    const now = [...relays, ...this.addresses].join()
    this.changes.emit()
    if (now === this.#before) return
    this.#before = now
    this.#relayChanges.emit()
  }

  /** @throws InfernetError `mesh.unreachable` or `wire.closed` */
  #openStream(relay: PeerName, signal: AbortSignal | undefined): Promise<Stream> {
    // After a change of the network the older ones lead nowhere.
    const [connection] = this.#node
      .getConnections(peerIdFromString(relay))
      .sort((a, b) => b.timeline.open - a.timeline.open)
    if (!connection) throw new InfernetError('mesh.unreachable')
    return openStream({ clock: this.#clock }, connection, SETTLE_PROTOCOL, { signal })
  }

  #untilReserved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (isOutdated(this.views)) end(() => reject(new InfernetError('mesh.outdated')))
        else if (this.#keepers.some((keeper) => keeper.isReserved)) end(resolve)
      }
      const end = (how: () => void): void => {
        stop()
        how()
      }
      const stop = this.changes.listen(settle)
      signal.addEventListener('abort', () => end(() => reject(InfernetError.from(signal.reason))))
      settle()
    })
  }
}
