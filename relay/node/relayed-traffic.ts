import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { PeerId, Stream } from '@libp2p/interface'
import type { Clock } from '#shared/base/clock.ts'
import { TokenBucket, type TokenBucketInit } from '#shared/base/token-bucket.ts'
import {
  RELAYED_BYTES_PER_ADDRESS,
  RELAYED_BYTES_PER_PEER,
  RELAYED_OPENS_PER_ADDRESS,
  RELAYED_OPENS_PER_PEER,
} from '../base/limits.ts'

export interface RelayedTrafficComponents {
  readonly clock: Clock
  /** Streams that a peer has open now, over all its connections. */
  readonly streamsOf: (peer: PeerId) => readonly Stream[]
  /** What limits count a peer's address by; undefined when it is not known. */
  readonly addressGroupOf: (peer: PeerId) => string | undefined
  readonly onBytes: (bytes: number) => void
  readonly onOpen: (isAllowed: boolean) => void
}

/** Buckets that are full again are forgotten beyond this many. */
const MAX_BUCKETS = 10_000
/** An allowed opening whose stream never came is forgotten after so many others. */
const MAX_OPENING = 256

/**
 * Bounds and counts what the relay carries between peers, which libp2p bounds for each connection only.
 *
 * Who asks to be connected pays, in openings and in bytes of both directions, so that nobody can use up another's
 * allowance by sending to it.
 */
export class RelayedTraffic {
  readonly #components: RelayedTrafficComponents
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #payers = new WeakMap<Stream, PeerId>()
  #opening: { readonly source: PeerId; readonly destination: PeerId }[] = []

  constructor(components: RelayedTrafficComponents) {
    this.#components = components
  }

  /** For the gater's `denyOutboundRelayedConnection`: true refuses. */
  denies(source: PeerId, destination: PeerId): boolean {
    const isAllowed = this.#take(source, 1, 'opens', RELAYED_OPENS_PER_PEER, RELAYED_OPENS_PER_ADDRESS)
    this.#components.onOpen(isAllowed)
    if (!isAllowed) return true
    for (const stream of this.#components.streamsOf(source))
      if (stream.protocol === RELAY_V2_HOP_CODEC && stream.direction === 'inbound')
        this.#payers.set(stream, source)
    this.#opening = [...this.#opening.slice(-MAX_OPENING), { source, destination }]
    return false
  }

  /**
   * For each negotiated stream. Watches the two kinds that carry relayed bytes by what is sent on them; listening for
   * messages instead would take the first one away from libp2p's own handler.
   */
  track(stream: Stream): void {
    const isHop = stream.protocol === RELAY_V2_HOP_CODEC && stream.direction === 'inbound'
    const isStop = stream.protocol === RELAY_V2_STOP_CODEC && stream.direction === 'outbound'
    if (!isHop && !isStop) return
    const send = stream.send.bind(stream)
    let isIntroduction = true // the first thing sent is our own answer or request, all after it is relayed
    stream.send = (data) => {
      if (isIntroduction) isIntroduction = false
      else if (!this.#carry(stream, data.byteLength)) {
        stream.abort(new Error('the relay carries no more for this peer now'))
        return false
      }
      return send(data)
    }
  }

  #carry(stream: Stream, bytes: number): boolean {
    const payer = this.#payerOf(stream)
    if (payer && !this.#take(payer, bytes, 'bytes', RELAYED_BYTES_PER_PEER, RELAYED_BYTES_PER_ADDRESS))
      return false
    this.#components.onBytes(bytes)
    return true
  }

  #payerOf(stream: Stream): PeerId | undefined {
    const known = this.#payers.get(stream)
    if (known) return known
    const index = this.#opening.findIndex(({ destination }) =>
      this.#components.streamsOf(destination).includes(stream),
    )
    const [found] = index < 0 ? [] : this.#opening.splice(index, 1)
    if (found) this.#payers.set(stream, found.source)
    return found?.source
  }

  #take(
    peer: PeerId,
    cost: number,
    kind: string,
    perPeer: TokenBucketInit,
    perAddress: TokenBucketInit,
  ): boolean {
    if (!this.#bucket(`${kind} ${peer.toString()}`, perPeer).take(cost)) return false
    const group = this.#components.addressGroupOf(peer)
    return group === undefined || this.#bucket(`${kind} @${group}`, perAddress).take(cost)
  }

  #bucket(key: string, init: TokenBucketInit): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#components.clock, init)
    if (this.#buckets.size >= MAX_BUCKETS && !this.#buckets.has(key))
      for (const [other, { isFull }] of this.#buckets) if (isFull) this.#buckets.delete(other)
    this.#buckets.set(key, bucket)
    return bucket
  }
}
