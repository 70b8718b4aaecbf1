import type { Connection, IdentifyResult, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { ChangeEmitter } from '../base/change-emitter.ts'
import type { Clock } from '../base/clock.ts'
import { peerName, type PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { sleep, withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { RelayView } from '../peer/peer.ts'
import { SCHEDULE_PROTOCOL } from '../schedule/constants.ts'
import { DirectoryClient } from '../schedule/directory-client.ts'
import { standingOf, type VersionStanding } from '../wire/versions.ts'
import {
  DOUBTFUL_AFTER_MS,
  PROBE_DEADLINE_MS,
  PROVIDING_PROBE_MS,
  REDIAL_MAX_MS,
  REDIAL_MIN_MS,
  RELAY_DIAL_DEADLINE_MS,
  RESERVATION_DEADLINE_MS,
  STALE_DIAL_MS,
} from './constants.ts'
import { hasReservation, listenOn, renewReservation } from './reservations.ts'

/**
 * Keeps the connection to one relay and, while this side provides, the reservation there.
 *
 * libp2p brings neither back after a relay's restart (docs/traps.md), so this does: at once when the
 * connection closes, then with growing pauses.
 */
export class RelayKeeper {
  readonly relay: PeerName
  readonly address: string
  readonly directory: DirectoryClient
  readonly changes = new ChangeEmitter()
  readonly #node: Libp2p
  readonly #clock: Clock
  readonly #stopper = new AbortController()
  #state: RelayView['state'] = 'connecting'
  #connection: Connection | undefined
  #standing: VersionStanding = 'same'
  #isProviding = false
  #hasListened = false
  #wake: (() => void) | undefined
  #isHurried = false
  #probing = false
  #dialling: { readonly at: number; readonly giveUp: AbortController } | undefined

  /** @param address a multiaddr with the relay's peer id, e.g. `/ip4/127.0.0.1/tcp/8080/ws/p2p/12D3KooW…` */
  constructor(node: Libp2p, clock: Clock, address: string) {
    const relay = /\/p2p\/([^/]+)$/.exec(address)?.[1]
    if (!relay) throw new InfernetError('schedule.no-relay')
    this.relay = peerName(relay)
    this.address = address
    this.#node = node
    this.#clock = clock
    this.directory = new DirectoryClient(this.relay, {
      clock,
      openStream: ({ signal }) => this.#openStream(signal),
    })
    node.addEventListener('connection:close', this.#onConnectionClose)
    node.addEventListener('peer:identify', this.#onIdentify)
    void this.#keep()
  }

  get view(): RelayView {
    const { relay, address } = this
    return { relay, address, state: this.#state, reserved: this.isReserved, rttMs: this.directory.rttMs }
  }

  get isUp(): boolean {
    return this.#state === 'up' || this.#state === 'checking'
  }

  /** True when others can find us here: the place is ours, and our addresses name it (they come a moment later). */
  get isReserved(): boolean {
    return hasReservation(this.#node, this.relay) && this.#isAdvertised
  }

  /** Wants to be reachable here, until the node stops; from now on the relay is asked regularly, see {@link check}. */
  provide(): void {
    if (!this.#isProviding) void this.#askRegularly()
    this.#isProviding = true
    this.#wake?.()
  }

  /**
   * Looks at once: the page came back, the network did, or nobody was reached through this relay. A socket that died
   * without a goodbye stands open for minutes, so one that stands is asked, and given up when no answer comes.
   */
  check(): void {
    const { at, giveUp } = this.#dialling ?? {}
    if (at !== undefined && this.#clock.monotonic() - at > STALE_DIAL_MS) giveUp?.abort()
    if (this.#wake) this.#wake()
    else this.#isHurried = true
    void this.#probe()
  }

  stop(): void {
    this.#stopper.abort(new InfernetError('engine.closed'))
    this.#node.removeEventListener('connection:close', this.#onConnectionClose)
    this.#node.removeEventListener('peer:identify', this.#onIdentify)
    this.directory.close()
  }

  readonly #onConnectionClose = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.id !== this.#connection?.id) return
    this.#connection = undefined
    this.#enter('down')
    this.#wake?.()
  }

  /** Comes a round trip after each connection, and tells what the relay speaks. */
  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (detail.peerId.toString() !== this.relay) return
    this.#standing = standingOf('schedule', detail.protocols)
    if (this.#connection?.status === 'open') this.#enter(this.#stateConnected)
  }

  /** A relay that just starts speaks nothing yet, so `none` says nothing against it. */
  get #stateConnected(): RelayView['state'] {
    if (this.#standing === 'theirs-is-newer') return 'newer'
    return this.#standing === 'theirs-is-older' ? 'older' : 'up'
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopper
    let pauseMs = REDIAL_MIN_MS
    while (!signal.aborted) {
      const isFine = await this.#mend()
      if (this.#isHurried) pauseMs = REDIAL_MIN_MS
      pauseMs = isFine ? REDIAL_MIN_MS : Math.min(REDIAL_MAX_MS, pauseMs * 2)
      if (this.#isHurried) this.#isHurried = false
      else await this.#pause(isFine ? undefined : pauseMs * (1 + Math.random()))
    }
  }

  /** One attempt to have what is wanted. */
  async #mend(): Promise<boolean> {
    try {
      if (this.#connection?.status !== 'open') this.#connection = await this.#dial()
      if (this.#state !== 'checking') this.#enter(this.#stateConnected) // a probe is under way, and will tell
      if (!this.isUp) return true // of no use until it comes back with another version
      if (this.#isProviding && !hasReservation(this.#node, this.relay)) await this.#reserve()
      this.changes.emit()
      return true
    } catch {
      if (this.#connection?.status !== 'open') this.#enter('down')
      return false
    }
  }

  async #dial(): Promise<Connection> {
    const late = (): Error => new InfernetError('schedule.no-relay')
    const giveUp = new AbortController()
    const signal = AbortSignal.any([giveUp.signal, this.#stopper.signal])
    const dial = (own: AbortSignal): Promise<Connection> =>
      this.#node.dial(multiaddr(this.address), { signal: own })
    this.#dialling = { at: this.#clock.monotonic(), giveUp }
    try {
      return await withDeadline(this.#clock, millis(RELAY_DIAL_DEADLINE_MS), late, dial, { signal })
    } finally {
      this.#dialling = undefined
    }
  }

  async #askRegularly(): Promise<void> {
    const { signal } = this.#stopper
    while (!signal.aborted) {
      await sleep(this.#clock, millis(PROVIDING_PROBE_MS), { signal }).catch(() => undefined)
      if (!signal.aborted) await this.#probe()
    }
  }

  /** Any answer will do, a refusal too; libp2p's own ping meets that of its monitor (docs/traps.md). */
  async #probe(): Promise<void> {
    const connection = this.#connection
    if (connection?.status !== 'open' || !this.isUp || this.#probing) return
    this.#probing = true
    const doubt = this.#clock.schedule(millis(DOUBTFUL_AFTER_MS), () => this.#enter('checking'))
    const late = new InfernetError('wire.timeout', { limitMs: PROBE_DEADLINE_MS })
    const ask = (own: AbortSignal): Promise<unknown> => this.directory.probe({ signal: own })
    const { signal } = this.#stopper
    const answer = withDeadline(this.#clock, millis(PROBE_DEADLINE_MS), () => late, ask, { signal })
    const isDead = await answer.then(
      () => false,
      (thrown: unknown) => thrown === late,
    )
    doubt.stop()
    this.#probing = false
    if (connection !== this.#connection || signal.aborted) return
    if (isDead) connection.abort(late)
    else if (this.#state === 'checking') this.#enter(this.#stateConnected)
  }

  async #reserve(): Promise<void> {
    const late = (): Error => new InfernetError('mesh.reservation-refused')
    const reserve = async (): Promise<void> => {
      // A listener that was made before takes up a renewed reservation; the first time there is none.
      if (this.#hasListened) await renewReservation(this.#node, this.relay)
      else await listenOn(this.#node, `${this.address}/p2p-circuit`)
      this.#hasListened = hasReservation(this.#node, this.relay)
      if (!this.#hasListened) throw late()
    }
    await withDeadline(this.#clock, millis(RESERVATION_DEADLINE_MS), late, reserve, {
      signal: this.#stopper.signal,
    })
  }

  get #isAdvertised(): boolean {
    return this.#node.getMultiaddrs().some((own) => own.toString().includes(`/p2p/${this.relay}/p2p-circuit`))
  }

  async #openStream(signal: AbortSignal) {
    if (this.#connection?.status !== 'open') throw new InfernetError('schedule.no-relay')
    return this.#connection.newStream(SCHEDULE_PROTOCOL, { signal })
  }

  /** Waits for a call of {@link check}, or for `ms` when given. */
  async #pause(ms: number | undefined): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const signal = AbortSignal.any([woken.signal, this.#stopper.signal])
    if (ms !== undefined) await sleep(this.#clock, millis(ms), { signal }).catch(() => undefined)
    else if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    this.#wake = undefined
  }

  #enter(state: RelayView['state']): void {
    if (this.#state === state) return
    this.#state = state
    if (!this.isUp) this.directory.close()
    this.changes.emit()
  }
}
