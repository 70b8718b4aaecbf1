import type { PrivateKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Clock } from '../base/clock.ts'
import { jobId, type JobId, type ModelHash, type PeerName } from '../base/ids.ts'
import { toHex } from '../base/bytes.ts'
import type { Random } from '../base/random.ts'
import { epochMillis, millis, type Millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { sign, type Signed } from '../wire/signed.ts'
import { MAX_LOAD_MS, MAX_OPEN_QUOTES, MAX_QUOTES_PER_CONSUMER, QUOTE_LIFE_MS } from './constants.ts'
import type { QuoteRequest } from './messages.ts'
import type { Price, Quote, QuotePayment } from './prompt.ts'
import { QuoteRates } from './quote-rates.ts'
import { quoteBody } from './quote.ts'

/** What a provider can say about a model right now. */
export interface StandingTerms {
  readonly price: Price
  readonly queueMs: Millis
  /** What must pass before the model is loaded. @default it is */
  readonly loadMs?: Millis | undefined
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  readonly contextLength: number
  readonly isDraining: boolean
  /** How jobs are paid. @default they are not */
  readonly payment?: QuotePayment | undefined
}

export interface QuoteDeskComponents {
  readonly key: PrivateKey
  readonly clock: Clock
  readonly random: Random
  /** The terms for a model, or undefined where it is not served. */
  readonly termsOf: (model: ModelHash) => StandingTerms | undefined
}

/** A quote that was redeemed: what was promised, and the nonce whose hash stood in it. */
export interface RedeemedQuote {
  readonly quote: Quote
  /** The exact bytes that were signed; the chunk chain begins with their hash. */
  readonly body: Uint8Array
  /** 32 bytes, to be revealed in the first frame. */
  readonly nonce: Uint8Array
}

/**
 * Makes quotes and redeems each once.
 *
 * Quotes are free and promise nothing but a price, so they are bounded per consumer, in all, and in rate; an expired
 * one makes room.
 *
 * There is no bucket per network address here, because no provider knows one. WebRTC names none to libp2p; a relayed
 * connection comes from the relay's; and a provider inside a relay has everybody at 127.0.0.1, behind the pipe of the
 * public port. A bucket of what it sees would lump all askers of a relay together. Addresses are bounded where they
 * are known, before a question comes this far: the relay's `CONNECTIONS_PER_ADDRESS` for its sockets, and
 * `RELAYED_OPENS_PER_ADDRESS` for introductions, without which there is no WebRTC. What one address can still do with
 * many names ends at the rates for all together, of which names that are new have a share of their own (`QuoteRates`).
 */
export class QuoteDesk {
  readonly #components: QuoteDeskComponents
  readonly #open = new Map<JobId, RedeemedQuote>()
  readonly #perConsumer = new Map<PeerName, Set<JobId>>()
  readonly #rates: QuoteRates

  constructor(components: QuoteDeskComponents) {
    this.#components = components
    this.#rates = new QuoteRates(components.clock)
  }

  /** Quotes that can still be redeemed. */
  get openQuotes(): number {
    return this.#open.size
  }

  /**
   * Signs a quote for `consumer`.
   *
   * @throws InfernetError `models.unknown`, `stream.draining`, `stream.busy` (the model could not be loaded within
   * `MAX_LOAD_MS`), `prompt.too-long` or `prompt.quote-limit`.
   */
  async quote(consumer: PeerName, request: QuoteRequest): Promise<Signed> {
    const { key, clock, random } = this.#components
    const terms = this.#admit(consumer, request)
    const nonce = random.bytes(32)
    const issuedAt = clock.now()
    const quote: Quote = {
      quoteId: jobId(toHex(random.bytes(16))),
      model: request.model,
      consumer,
      price: terms.price,
      queueMs: terms.queueMs,
      ...wholeLoad(terms.loadMs),
      prefillTokensPerSecond: terms.prefillTokensPerSecond,
      decodeTokensPerSecond: terms.decodeTokensPerSecond,
      nonceHash: sha256(nonce),
      payment: terms.payment,
      issuedAt,
      expiresAt: epochMillis(issuedAt + QUOTE_LIFE_MS),
    }
    const held = this.#hold(quote, nonce)
    const signed = await sign('quote', quoteBody(quote), key)
    held.body = signed.body
    return signed
  }

  /**
   * Takes a quote off the desk for a job. It works once, for whom it was made, until it expires.
   *
   * @throws InfernetError `prompt.quote-unknown` or `prompt.quote-expired`.
   */
  redeem(consumer: PeerName, quoteId: JobId): RedeemedQuote {
    const held = this.#open.get(quoteId)
    if (!held || held.quote.consumer !== consumer) throw new InfernetError('prompt.quote-unknown')
    this.#drop(held.quote)
    if (held.quote.expiresAt <= this.#components.clock.now()) throw new InfernetError('prompt.quote-expired')
    return held
  }

  /** To be called when a job of this consumer was served: those who use quotes come before those who only hold them. */
  wasUsed(consumer: PeerName): void {
    this.#rates.wasUsed(consumer)
  }

  #admit(consumer: PeerName, { model, promptTokens }: QuoteRequest): StandingTerms {
    this.#sweep()
    const terms = this.#components.termsOf(model)
    if (!terms) throw new InfernetError('models.unknown')
    if (terms.isDraining) throw new InfernetError('stream.draining')
    if ((terms.loadMs ?? 0) > MAX_LOAD_MS) throw new InfernetError('stream.busy')
    if (promptTokens >= terms.contextLength) {
      throw new InfernetError('prompt.too-long', { tokens: promptTokens, maxTokens: terms.contextLength - 1 })
    }
    const isFull =
      this.#open.size >= MAX_OPEN_QUOTES ||
      (this.#perConsumer.get(consumer)?.size ?? 0) >= MAX_QUOTES_PER_CONSUMER
    if (isFull || !this.#rates.take(consumer)) throw new InfernetError('prompt.quote-limit')
    return terms
  }

  #hold(quote: Quote, nonce: Uint8Array): { quote: Quote; nonce: Uint8Array; body: Uint8Array } {
    const held = { quote, nonce, body: new Uint8Array() }
    this.#open.set(quote.quoteId, held)
    const own = this.#perConsumer.get(quote.consumer) ?? new Set()
    this.#perConsumer.set(quote.consumer, own.add(quote.quoteId))
    return held
  }

  #drop({ quoteId, consumer }: Quote): void {
    this.#open.delete(quoteId)
    const own = this.#perConsumer.get(consumer)
    own?.delete(quoteId)
    if (own?.size === 0) this.#perConsumer.delete(consumer)
  }

  /** All quotes live equally long, so the map is in order of expiry. */
  #sweep(): void {
    const now = this.#components.clock.now()
    for (const { quote } of this.#open.values()) {
      if (quote.expiresAt > now) return
      this.#drop(quote)
    }
  }
}

/** Whole milliseconds, as the wire carries them. */
function wholeLoad(loadMs: Millis | undefined): { loadMs?: Millis } {
  return loadMs === undefined ? {} : { loadMs: millis(Math.max(1, Math.round(loadMs))) }
}
