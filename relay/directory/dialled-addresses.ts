import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '#shared/base/clock.ts'
import type { PeerName } from '#shared/base/ids.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import { TokenBucket } from '#shared/base/token-bucket.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { parseSocketAddress } from '../base/socket-address.ts'
import {
  MAX_REACH_DIALS,
  MAX_REACH_DIALS_PER_GROUP,
  MAX_REACHED_PROVIDERS,
  REACH_DIAL_MS,
  REACH_DIALS_PER_GROUP,
  REACHED_MS,
} from '../base/limits.ts'
import type { RelayNode } from '../node/create-node.ts'

export interface DialledComponents {
  readonly node: Pick<RelayNode, 'dial'>
  readonly clock: Clock
}

export interface DialledInit {
  /** Addresses in private networks are dialled only by a relay that is itself in one. */
  readonly allowsLocal: boolean
}

/**
 * Dials the addresses that providers offer, so that a relay sends nobody where nobody is. What answered is believed for a
 * while. Strangers choose the addresses, so dials are few and short, a group's share of them is bounded, and none leads into
 * the relay's own network.
 */
export class DialledAddresses {
  readonly #components: DialledComponents
  readonly #init: DialledInit
  /** Until when an address of a provider is believed; the oldest first. */
  readonly #reached = new Map<string, number>()
  readonly #underWay = new Map<string, number>()
  readonly #rates = new Map<string, TokenBucket>()
  #dials = 0

  constructor(components: DialledComponents, init: DialledInit) {
    this.#components = components
    this.#init = init
  }

  /**
   * Whether the provider answers at one of the first two of these that a browser could dial.
   *
   * @param group whose share of the dials it takes
   * @throws InfernetError `schedule.rate-limited` where there is no room for another dial
   */
  async answers(provider: PeerName, addresses: readonly string[], group: string): Promise<boolean> {
    const dialable = addresses.filter((address) => this.#isDialable(address, provider)).slice(0, 2)
    const now = this.#components.clock.monotonic()
    if (dialable.some((address) => (this.#reached.get(keyOf(provider, address)) ?? 0) > now)) return true
    if (dialable.length === 0) return false
    this.#take(group)
    try {
      const signal = AbortSignal.timeout(REACH_DIAL_MS)
      for (const address of dialable) if (await this.#dial(provider, address, signal)) return true
      return false
    } finally {
      this.#give(group)
    }
  }

  #isDialable(address: string, provider: PeerName): boolean {
    const parsed = parseSocketAddress(address)
    if (!parsed || (parsed.peer !== undefined && parsed.peer !== provider)) return false
    if (this.#init.allowsLocal) return true
    // Below a path of a stranger's choice a server may do something that nobody meant.
    return parsed.folder === '/' && !isLocalHost(parsed.host)
  }

  async #dial(provider: PeerName, address: string, signal: AbortSignal): Promise<boolean> {
    const { node, clock } = this.#components
    try {
      if (!(await this.#leadsOutside(address, signal))) return false
      const full = parseSocketAddress(address)?.peer === undefined ? `${address}/p2p/${provider}` : address
      // A connection of its own: the one over which the offer came says nothing of the address.
      const connection = await node.dial(multiaddr(full), { signal, force: true })
      const isReached = connection.remotePeer.toString() === provider
      connection.close({ signal }).catch(() => connection.abort(new InfernetError('wire.closed')))
      if (isReached) this.#remember(keyOf(provider, address), clock.monotonic() + REACHED_MS)
      return isReached
    } catch {
      return false
    }
  }

  /** A name may stand for an address in the relay's own network. */
  async #leadsOutside(address: string, signal: AbortSignal): Promise<boolean> {
    const host = parseSocketAddress(address)?.host ?? ''
    if (this.#init.allowsLocal || isIP(host) !== 0) return true
    const found = await raceSignal(lookup(host, { all: true }), signal)
    return found.every(({ address: ip }) => !isLocalHost(ip))
  }

  #remember(key: string, until: number): void {
    this.#reached.delete(key)
    this.#reached.set(key, until)
    for (const oldest of this.#reached.keys()) {
      if (this.#reached.size <= MAX_REACHED_PROVIDERS) break
      this.#reached.delete(oldest)
    }
  }

  #take(group: string): void {
    const own = this.#underWay.get(group) ?? 0
    const rate = this.#rates.get(group) ?? new TokenBucket(this.#components.clock, REACH_DIALS_PER_GROUP)
    this.#rates.set(group, rate)
    if (this.#dials >= MAX_REACH_DIALS || own >= MAX_REACH_DIALS_PER_GROUP || !rate.take())
      throw new InfernetError('schedule.rate-limited')
    this.#dials++
    this.#underWay.set(group, own + 1)
  }

  #give(group: string): void {
    this.#dials--
    const own = (this.#underWay.get(group) ?? 1) - 1
    if (own > 0) this.#underWay.set(group, own)
    else this.#underWay.delete(group)
    for (const [each, rate] of this.#rates) if (rate.isFull) this.#rates.delete(each)
  }
}

function keyOf(provider: PeerName, address: string): string {
  return `${provider} ${address}`
}
