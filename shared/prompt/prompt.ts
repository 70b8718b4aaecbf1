import type { JobId, ModelHash, PeerName } from '../base/ids.ts'
import type { BaseUnits, EpochMillis, Millis } from '../base/units.ts'
import type { SamplerParams } from '../engine/engine.ts'

/** What a consumer wants written: token ids and terms, no text. The chat template is applied before. */
export interface Prompt {
  readonly model: ModelHash
  readonly promptTokens: readonly number[]
  readonly sampler: SamplerParams
  /** How many tokens the answer may have. */
  readonly maxTokens: number
  /** The highest price per output token that is accepted; `undefined` takes any. */
  readonly maxOutputPrice: BaseUnits | undefined
  /** Tokens that end an answer, from the tokenizer. Never sent: they tell that a lost provider had finished. */
  readonly eosTokens?: readonly number[]
}

/** What one token costs, in base units of INF. */
export interface Price {
  readonly perPromptToken: BaseUnits
  readonly perOutputToken: BaseUnits
}

/** A provider's live price and promise of speed for one consumer. Signed, single use, expires within seconds. */
export interface Quote {
  /** 16 bytes that name the quote. */
  readonly quoteId: JobId
  readonly model: ModelHash
  /** The consumer it was made for; nobody else can use it. */
  readonly consumer: PeerName
  readonly price: Price
  /** How long a job opened now would wait for its first prefill. */
  readonly queueMs: Millis
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** SHA-256 of the provider's nonce: it is fixed before the consumer's is known, so neither can grind the seed. */
  readonly nonceHash: Uint8Array
  readonly issuedAt: EpochMillis
  readonly expiresAt: EpochMillis
}
