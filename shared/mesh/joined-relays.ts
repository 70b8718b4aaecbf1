import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis, MINUTE_MS } from '../base/units.ts'
import { sleep, withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { openStream } from '../peer/connect.ts'
import type { RelaySource } from '../peer/create-peer.ts'
import type { RelayView } from '../peer/peer.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { SETTLE_PROTOCOL } from '../settle/claim-messages.ts'
import { leaveClaims, type LeaveClaimsInit } from '../settle/leave-claims.ts'
import type { SignedVoucher } from '../settle/voucher.ts'
import {
  MAX_KNOWN_RELAYS,
  MAX_RELAYS,
  RELIST_MAX_MS,
  RELIST_MIN_MS,
  RESERVATION_DEADLINE_MS,
} from './constants.ts'
import { isOutdated } from './is-outdated.ts'
import { RelayKeeper } from './relay-keeper.ts'

export interface JoinedRelaysComponents {
  readonly node: Libp2p
  readonly clock: Clock
  /** What is known of relays now, the best first: read while one is down, which may come back under another name. */
  readonly readRelays?: ((options: { signal: AbortSignal }) => Promise<readonly string[]>) | undefined
}

interface Kept {
  readonly address: string
  readonly keeper: RelayKeeper
  /** Ends listening to it. */
  readonly stop: () => void
}

/** A change wakes whoever waits for one; this only bounds the timer. */
const LONGEST_SLEEP_MS = 60 * MINUTE_MS

/**
 * The relays that a node keeps: what its peer asks for offers, through which others find it, and with whom it leaves its
 * vouchers. The same for a tab and for a node in Node; each is kept from the moment this is made.
 */
export class JoinedRelays implements RelaySource {
  /** After each change of a relay or a figure of it. */
  readonly changes = new ChangeEmitter()
  readonly #node: Libp2p
  readonly #clock: Clock
  readonly #readRelays: JoinedRelaysComponents['readRelays']
  readonly #stopper = new AbortController()
  #known: readonly string[]
  #keepers: readonly Kept[] = []
  #isProviding = false
  #wake: (() => void) | undefined
  readonly #relayChanges = new ChangeEmitter()
  #before = ''

  /**
   * @param relays multiaddrs with peer ids, the best first; {@link MAX_RELAYS} of them are kept, and the others are tried
   * while fewer answer
   */
  constructor({ node, clock, readRelays }: JoinedRelaysComponents, relays: readonly string[]) {
    this.#node = node
    this.#clock = clock
    this.#readRelays = readRelays
    this.#known = usable(relays)
    this.#keep(this.#known.slice(0, MAX_RELAYS))
    node.addEventListener('self:peer:update', this.#onKeeper)
    void this.#watch()
  }

  get directories(): readonly DirectoryPort[] {
    return this.#up.map(({ directory }) => directory)
  }

  get views(): readonly RelayView[] {
    return this.#keepers.map(({ keeper }) => keeper.view)
  }

  /** Calls back when a relay came or went, or our addresses changed: offers are renewed then. Returns what undoes it. */
  onChange(callback: () => void): () => void {
    return this.#relayChanges.listen(callback)
  }

  /** WebRTC through each relay that was dialled from here, then the relayed way; what else a relay says of itself is left out. */
  get addresses(): readonly string[] {
    const own = this.#node.getMultiaddrs().map(String)
    const known = own.filter((address) =>
      this.#keepers.some(({ keeper }) => address.startsWith(keeper.address)),
    )
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
    this.#isProviding = true
    for (const { keeper } of this.#keepers) keeper.provide()
    const late = (): Error => new InfernetError('mesh.reservation-refused')
    const limit = millis(RESERVATION_DEADLINE_MS)
    await withDeadline(this.#clock, limit, late, (own) => this.#untilReserved(own), { signal })
  }

  /**
   * Leaves vouchers with every relay that is up; gives those that one at least keeps. All are waited for, behind whatever
   * is earned: each that keeps them is one more that may claim. Never throws.
   */
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

  /** Looks at once: the page came back, the network did, or somebody could not be reached. See `RelayKeeper.check`. */
  check(): void {
    for (const { keeper } of this.#keepers) keeper.check()
    this.#wake?.()
  }

  stop(): void {
    this.#stopper.abort(new InfernetError('engine.closed'))
    this.#node.removeEventListener('self:peer:update', this.#onKeeper)
    this.#letGo(() => true)
  }

  get #up(): readonly RelayKeeper[] {
    return this.#keepers.map(({ keeper }) => keeper).filter(({ isUp }) => isUp)
  }

  /** True while a relay is missing that might be replaced: none of those that were just begun. */
  get #isShort(): boolean {
    return this.#keepers.some(({ keeper }) => keeper.view.state === 'down') && this.#up.length < MAX_RELAYS
  }

  /** While too few relays answer: reads anew which there are, and tries all of them. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopper
    let pauseMs = RELIST_MIN_MS
    while (!signal.aborted) {
      if (!this.#isShort) {
        this.#retire()
        pauseMs = RELIST_MIN_MS
        await this.#pause(undefined)
        continue
      }
      await this.#pause(pauseMs)
      if (signal.aborted || !this.#isShort) continue
      const known = await this.#readRelays?.({ signal }).catch(() => undefined)
      if (known) this.#learn(known)
      this.#keep(this.#known)
      pauseMs = Math.min(RELIST_MAX_MS, 2 * pauseMs)
    }
  }

  /** Waits for `ms`, or, without, for a change of a relay; {@link check} ends both. */
  async #pause(ms: number | undefined): Promise<void> {
    const woken = new AbortController()
    const signal = AbortSignal.any([woken.signal, this.#stopper.signal])
    this.#wake = () => woken.abort()
    const stop = ms === undefined ? this.changes.listen(this.#wake) : () => undefined
    await sleep(this.#clock, millis(ms ?? LONGEST_SLEEP_MS), { signal }).catch(() => undefined)
    stop()
    this.#wake = undefined
  }

  /** A relay that is not listed any more, at an address that now has another name, is not waited for. */
  #learn(listed: readonly string[]): void {
    const now = usable(listed)
    const places = new Set(now.map(placeOf))
    this.#known = [...now, ...this.#known.filter((old) => !places.has(placeOf(old)))].slice(
      0,
      MAX_KNOWN_RELAYS,
    )
    this.#letGo(({ address, keeper }) => !keeper.isUp && !this.#known.includes(address))
  }

  /** Lets those go that only stood in for the first ones. */
  #retire(): void {
    const first = this.#known.slice(0, MAX_RELAYS)
    const isFirst = ({ address }: Kept): boolean => first.includes(address)
    if (this.#up.length < MAX_RELAYS || this.#keepers.length <= MAX_RELAYS) return
    const isWhole = first.every((address) =>
      this.#keepers.some((kept) => kept.address === address && kept.keeper.isUp),
    )
    if (isWhole) this.#letGo((kept) => !isFirst(kept))
  }

  #keep(addresses: readonly string[]): void {
    const missing = addresses.filter((address) => !this.#keepers.some((kept) => kept.address === address))
    const begun = missing.map((address) => {
      const keeper = new RelayKeeper(this.#node, this.#clock, address)
      if (this.#isProviding) keeper.provide()
      return { address, keeper, stop: keeper.changes.listen(this.#onKeeper) }
    })
    if (begun.length === 0) return
    this.#keepers = [...this.#keepers, ...begun]
    this.changes.emit()
  }

  #letGo(isOver: (kept: Kept) => boolean): void {
    const over = this.#keepers.filter(isOver)
    if (over.length === 0) return
    this.#keepers = this.#keepers.filter((kept) => !over.includes(kept))
    for (const { keeper, stop } of over) {
      stop()
      keeper.stop()
    }
    if (!this.#stopper.signal.aborted) this.#onKeeper()
  }

  /** Offers are renewed when a relay came up or our addresses changed, not at each change of a figure. */
  readonly #onKeeper = (): void => {
    const relays = this.#keepers.map(({ keeper: { relay, isUp } }) => `${relay} ${isUp}`)
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
        else if (this.#keepers.some(({ keeper }) => keeper.isReserved)) end(resolve)
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

/** What a stranger lists may be no address, and too many. */
function usable(relays: readonly string[]): readonly string[] {
  const whole = relays.filter(isRelayAddress)
  return [...new Set(whole)].slice(0, MAX_KNOWN_RELAYS)
}

function isRelayAddress(address: string): boolean {
  try {
    peerIdFromString(/\/p2p\/([^/]+)$/.exec(address)?.[1] ?? '')
    multiaddr(address)
    return true
  } catch {
    return false
  }
}

/** The address without the name of who answers there. */
function placeOf(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
