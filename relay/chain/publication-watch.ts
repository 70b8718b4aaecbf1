import { toHex, type PublicClient } from 'viem'
import * as v from 'valibot'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { modelsAt } from '#shared/chain/models-reads.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import {
  PUBLISHED_TOPIC,
  readPublication,
  readPublishedLog,
  type PublishedHint,
} from '#shared/chain/publications.ts'
import type { Publication } from '#shared/models/catalogue/publications.ts'
import type { Logger } from '../observe/log.ts'
import type { ChainHead } from './chain-head.ts'
import type { ChainNode } from './chain-node.ts'
import {
  LOG_SPANS_PER_LOOK,
  MAX_BLOCK_FAILURES,
  MAX_LOG_BLOCKS,
  MAX_NOTED_PUBLICATIONS,
  PUBLICATIONS_LOOK_MIN_MS,
  REORG_BLOCKS,
} from './limits.ts'

export interface PublicationWatchComponents {
  readonly node: Pick<ChainNode, 'request'>
  readonly client: PublicClient
  readonly head: Pick<ChainHead, 'fresh'>
  readonly clock: Clock
  readonly log: Logger
}

const logsSchema = v.array(
  v.object({
    address: v.string(),
    topics: v.pipe(v.array(v.string()), v.maxLength(4)),
    data: v.string(),
  }),
)

/**
 * Notes what is published in the models contract. Logs only say what to ask about: what is believed of a publication is
 * what the contract says when {@link PublicationWatch.read} asks it.
 *
 * The relay does this for its pages: the whole history is read once for all of them, in spans that public endpoints
 * take. A page would hear nothing better, since its chain file and its first way to the chain are this relay's too.
 */
export class PublicationWatch {
  readonly #components: PublicationWatchComponents
  readonly #network: NetworkFile
  readonly #noted = new Map<ModelHash, PublishedHint>()
  #mustStay: (model: ModelHash) => boolean = () => false
  #next: bigint
  /** Halved when an endpoint refuses, because it allows fewer blocks or the answer grew too long. */
  #span = MAX_LOG_BLOCKS
  /** Whether the last look read to the end: then a few blocks are read again, since a chain may change its newest. */
  #isCaughtUp = false
  /** Failures in a row over one block. */
  #failures = 0
  /** Nothing before it is read again. */
  #first: bigint
  #timer: { stop(): void } | undefined
  #isStopped = false

  constructor(components: PublicationWatchComponents, network: NetworkFile) {
    this.#components = components
    this.#network = network
    this.#first = this.#next = BigInt(network.deployBlock)
  }

  /** The newest first. Everybody can publish: most of it may be rubbish. */
  get noted(): readonly PublishedHint[] {
    return [...this.#noted.values()].reverse()
  }

  /** What may not be forgotten when strangers publish more than is remembered. */
  keep(mustStay: (model: ModelHash) => boolean): void {
    this.#mustStay = mustStay
  }

  start(): void {
    this.#schedule(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }

  /** What the contract says of it now. @throws viem's errors, around `chain.unavailable` */
  read(hint: PublishedHint): Promise<Publication | undefined> {
    return readPublication(modelsAt(this.#components.client, this.#network.contracts.models), hint)
  }

  /** Reads what is new. @throws InfernetError `chain.unavailable`, or NodeError where the endpoint refuses even one block */
  async look(): Promise<void> {
    const { number: newest } = await this.#components.head.fresh()
    if (this.#next > newest + 1n) this.#next = newest // the chain is shorter than it was
    const from = this.#next - (this.#isCaughtUp ? BigInt(REORG_BLOCKS) : 0n)
    let at = from > this.#first ? from : this.#first
    this.#isCaughtUp = false
    for (let span = 0; span < LOG_SPANS_PER_LOOK && at <= newest; span++) {
      const end = at + BigInt(this.#span) - 1n
      const to = end < newest ? end : newest
      await this.#readSpan(at, to)
      at = to + 1n
      if (at > this.#next) this.#next = at
      this.#span = Math.min(MAX_LOG_BLOCKS, this.#span * 2)
    }
    this.#isCaughtUp = at > newest
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    const { clock, log } = this.#components
    this.#timer = clock.schedule(millis(delayMs), () => {
      const everyMs = Math.max(PUBLICATIONS_LOOK_MIN_MS, this.#network.blockSeconds * SECOND_MS)
      this.look()
        .catch((thrown: unknown) => log.debug({ err: thrown }, 'the models contract could not be read'))
        .finally(() => this.#schedule(everyMs))
    })
  }

  async #readSpan(from: bigint, to: bigint): Promise<void> {
    const address = this.#network.contracts.models
    const filter = { address, topics: [PUBLISHED_TOPIC], fromBlock: toHex(from), toBlock: toHex(to) }
    let answer: unknown
    try {
      answer = await this.#components.node.request('eth_getLogs', [filter])
    } catch (thrown) {
      this.#shrink(from)
      throw thrown
    }
    this.#failures = 0
    const read = v.safeParse(logsSchema, answer)
    for (const each of read.success ? read.output : [])
      if (each.address.toLowerCase() === address.toLowerCase()) this.#note(readPublishedLog(each))
  }

  /** One block with more logs than are read must not hide all that come after it: the rest of the chain answers. */
  #shrink(from: bigint): void {
    if (this.#span > 1) this.#span = Math.floor(this.#span / 2)
    else if (++this.#failures >= MAX_BLOCK_FAILURES) {
      this.#components.log.warn({ block: Number(from) }, 'a block of the models contract is passed over')
      this.#first = this.#next = from + 1n
      this.#failures = 0
    }
  }

  #note(hint: PublishedHint | undefined): void {
    if (!hint || this.#noted.has(hint.model)) return
    this.#noted.set(hint.model, hint)
    if (this.#noted.size <= MAX_NOTED_PUBLICATIONS) return
    const oldest = this.#noted.keys().find((model) => !this.#mustStay(model))
    this.#noted.delete(oldest ?? hint.model)
  }
}
