import { TopicValidatorResult, type Message, type TopicValidatorFn } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { Clock } from '#shared/base/clock.ts'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { TokenBucket, type TokenBucketInit } from '#shared/base/token-bucket.ts'
import {
  GOSSIP_CUT_MS,
  GOSSIP_EXCESS_OF_STRANGERS,
  GOSSIP_RATE_OF_STRANGERS,
  GOSSIP_RATE_PER_NEIGHBOUR,
  MAX_GOSSIP_MESSAGE_BYTES,
} from '../base/limits.ts'
import type { RelayNode } from '../node/create-node.ts'
import type { Logger } from '../observe/log.ts'
import type { OfferGossip, OfferTeller, GossipOutcome } from './offer-gossip.ts'
import { OFFERS_TOPIC, RELAYS_TOPIC, SHELVES_TOPIC } from '../node/topics.ts'

export interface RelayGossipComponents {
  readonly node: RelayNode
  readonly clock: Clock
  readonly log: Logger
  /** Whether what a relay says counts in full. */
  readonly isAdmitted: (relay: PeerName) => boolean
  /** Who may stand behind several neighbours, e.g. an address block. @default each neighbour for itself */
  readonly groupOf?: ((neighbour: PeerId) => string | undefined) | undefined
  readonly onJudged?: (topic: 'offers' | 'relays', outcome: GossipOutcome | 'rate-limited') => void
}

type Judge = (message: Uint8Array, by: OfferTeller) => Promise<GossipOutcome>

/** Bad messages that a neighbour may bring before it is cut: one every two seconds is a fault, more is an attack. */
const STRIKES = { burst: 50, perSecond: 0.5 } as const

/**
 * The gossip topics, each behind its judge. A message is judged before it is passed on, so a bad one ends at the first
 * honest relay, and the neighbour that brought it is the one to blame.
 */
export class RelayGossip {
  readonly #components: RelayGossipComponents
  readonly #strikes = new Map<string, TokenBucket>()
  /** Of admitted neighbours one each; of the others one for each group. */
  readonly #rates = new Map<string, TokenBucket>()
  readonly #excesses = new Map<string, TokenBucket>()
  readonly #cutUntil = new Map<string, number>()
  #isStaked: (relay: PeerName) => boolean = () => false
  #judgeOffer: Judge = async () => 'ignore'
  #judgeRecord: Judge = async () => 'ignore'
  #onNewNeighbour: () => void = () => undefined

  constructor(components: RelayGossipComponents) {
    this.#components = components
  }

  /** The channel for the directory. */
  readonly offers: OfferGossip = {
    publish: (message, kind) => this.#publish(kind === 'shelved' ? SHELVES_TOPIC : OFFERS_TOPIC, message),
    onMessage: (judge) => {
      this.#judgeOffer = judge
      return () => (this.#judgeOffer = async () => 'ignore')
    },
    admitBy: (isStaked) => void (this.#isStaked = isStaked),
  }

  publishRecord(message: Uint8Array): void {
    this.#publish(RELAYS_TOPIC, message)
  }

  onRecord(judge: Judge): void {
    this.#judgeRecord = judge
  }

  /** Calls back when another relay begins to listen: it knows nothing yet. */
  onNewNeighbour(callback: () => void): void {
    this.#onNewNeighbour = callback
  }

  start(): void {
    const { gossip } = this.#components.node.services
    for (const topic of [OFFERS_TOPIC, SHELVES_TOPIC])
      gossip.topicValidators.set(
        topic,
        this.#validator('offers', (...args) => this.#judgeOffer(...args)),
      )
    gossip.topicValidators.set(
      RELAYS_TOPIC,
      this.#validator('relays', (...args) => this.#judgeRecord(...args)),
    )
    gossip.addEventListener('subscription-change', this.#onSubscription)
    this.#components.node.addEventListener('peer:disconnect', this.#onGone)
    gossip.subscribe(OFFERS_TOPIC)
    gossip.subscribe(SHELVES_TOPIC)
    gossip.subscribe(RELAYS_TOPIC)
  }

  stop(): void {
    const { node } = this.#components
    node.services.gossip.removeEventListener('subscription-change', this.#onSubscription)
    node.removeEventListener('peer:disconnect', this.#onGone)
    node.services.gossip.topicValidators.clear()
  }

  readonly #onSubscription = ({
    detail,
  }: CustomEvent<{ subscriptions: { topic: string; subscribe: boolean }[] }>): void => {
    if (detail.subscriptions.some(({ topic, subscribe }) => subscribe && topic === RELAYS_TOPIC))
      this.#onNewNeighbour()
  }

  readonly #onGone = ({ detail }: CustomEvent<PeerId>): void => void this.#strikes.delete(detail.toString())

  #publish(topic: string, message: Uint8Array): void {
    const { node, log } = this.#components
    // Whoever sends more than the receiver's bound is never heard again on that connection, so it ends here.
    if (message.length > MAX_GOSSIP_MESSAGE_BYTES)
      return log.warn({ topic, bytes: message.length }, 'message too large')
    node.services.gossip
      .publish(topic, message)
      .catch((thrown: unknown) => log.debug({ topic, err: thrown }, 'not published'))
  }

  #validator(topic: 'offers' | 'relays', judge: Judge): TopicValidatorFn {
    return async (neighbour, message) => {
      const outcome = await this.#judge(neighbour, message, judge)
      this.#components.onJudged?.(topic, outcome)
      if (outcome === 'reject') this.#strike(neighbour)
      if (outcome === 'accept') return TopicValidatorResult.Accept
      return outcome === 'reject' ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore
    }
  }

  async #judge(neighbour: PeerId, message: Message, judge: Judge): Promise<GossipOutcome | 'rate-limited'> {
    const neighbourGroup = this.#components.groupOf?.(neighbour) ?? neighbour.toString()
    const isUnheard = this.#isCut(neighbourGroup) && !this.#isAdmitted(peerName(neighbour.toString()))
    if (isUnheard || !this.#rateOf(neighbour, neighbourGroup).take())
      return this.#overRate(neighbour, neighbourGroup)
    if (message.type !== 'signed' || message.data.length > MAX_GOSSIP_MESSAGE_BYTES) return 'reject'
    try {
      const relay = peerName(message.from.toString())
      return await judge(message.data, { relay, isAdmitted: this.#isAdmitted(relay), neighbourGroup })
    } catch (thrown) {
      this.#components.log.error({ err: thrown }, 'a gossiped message could not be judged')
      return 'ignore'
    }
  }

  #isCut(group: string): boolean {
    return (this.#cutUntil.get(group) ?? 0) > this.#components.clock.monotonic()
  }

  #overRate(neighbour: PeerId, group: string): 'rate-limited' {
    if (this.#isAdmitted(peerName(neighbour.toString()))) return 'rate-limited'
    const excess = this.#bucket(this.#excesses, group, GOSSIP_EXCESS_OF_STRANGERS)
    if (!this.#isCut(group) && excess.take()) return 'rate-limited'
    const now = this.#components.clock.monotonic()
    for (const [each, until] of this.#cutUntil) if (until <= now) this.#cutUntil.delete(each)
    this.#cutUntil.set(group, now + GOSSIP_CUT_MS)
    this.#cut(neighbour, 'relay cut for too many messages')
    return 'rate-limited'
  }

  #strike(neighbour: PeerId): void {
    const strikes =
      this.#strikes.get(neighbour.toString()) ?? new TokenBucket(this.#components.clock, STRIKES)
    this.#strikes.set(neighbour.toString(), strikes) // goes when its last connection does
    if (strikes.take()) return
    this.#cut(neighbour, 'relay cut for bad messages')
  }

  #cut(neighbour: PeerId, words: string): void {
    const { node, log } = this.#components
    if (node.getConnections(neighbour).length === 0) return // what it said before is still being judged
    log.warn({ relay: neighbour.toString() }, words)
    node.hangUp(neighbour).catch(() => undefined)
  }

  #isAdmitted(relay: PeerName): boolean {
    return this.#components.isAdmitted(relay) || this.#isStaked(relay)
  }

  /** A hundred connections of one stranger do not bring more than one. */
  #rateOf(neighbour: PeerId, group: string): TokenBucket {
    return this.#isAdmitted(peerName(neighbour.toString()))
      ? this.#bucket(this.#rates, neighbour.toString(), GOSSIP_RATE_PER_NEIGHBOUR)
      : this.#bucket(this.#rates, group, GOSSIP_RATE_OF_STRANGERS)
  }

  /** Those that are full again are forgotten when a new one comes. */
  #bucket(buckets: Map<string, TokenBucket>, key: string, init: TokenBucketInit): TokenBucket {
    const known = buckets.get(key)
    if (known) return known
    for (const [each, { isFull }] of buckets) if (isFull) buckets.delete(each)
    const bucket = new TokenBucket(this.#components.clock, init)
    buckets.set(key, bucket)
    return bucket
  }
}
