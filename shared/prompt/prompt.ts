import type { ChainAddress, JobId, ModelHash, PeerName } from '../base/ids.ts'
import type { BaseUnits, EpochMillis, Millis } from '../base/units.ts'
import type { SamplerParams } from '../engine/engine.ts'
import type { Task } from '../models/task.ts'

/** What a consumer wants written: token ids and terms, no text. The chat template is applied before. */
export interface Prompt {
  readonly task: Task
  readonly model: ModelHash
  readonly promptTokens: readonly number[]
  readonly sampler: SamplerParams
  /** How many tokens the answer may have. */
  readonly maxTokens: number
  /** The highest price of a million output tokens that is accepted; `undefined` takes any. */
  readonly maxOutputPrice: BaseUnits | undefined
  /** The most that the whole answer may cost, failovers included. @default only the payer's own limit */
  readonly maxCost?: BaseUnits | undefined
  /** Tokens that end an answer, from the tokenizer. Never sent: they tell that a lost provider had finished. */
  readonly eosTokens?: readonly number[]
}

/**
 * What a million tokens cost, in base units of the asset that the quote's escrow holds; INF where it names none. By the
 * million, because a token costs less than the least unit of a stablecoin of six decimals.
 */
export interface Price {
  readonly promptPerMillion: BaseUnits
  readonly outputPerMillion: BaseUnits
}

/** How a provider is paid: which escrow on which chain, to whom, and the peer's own word that this is its address. */
export interface QuotePayment {
  readonly chainId: number
  readonly escrow: ChainAddress
  /** The provider's address on the chain. */
  readonly operator: ChainAddress
  /** Who is paid the relay's share; all zeros for nobody. */
  readonly relay: ChainAddress
  /** 64 bytes by the peer's key over chain, stake contract and operator. */
  readonly binding: Uint8Array
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
  /**
   * What must pass before that, because the model has to be loaded first: other loads and their jobs included. Absent
   * where it is loaded.
   */
  readonly loadMs?: Millis | undefined
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** SHA-256 of the provider's nonce: it is fixed before the consumer's is known, so neither can grind the seed. */
  readonly nonceHash: Uint8Array
  /** Absent where the provider works for nothing. */
  readonly payment?: QuotePayment | undefined
  readonly issuedAt: EpochMillis
  readonly expiresAt: EpochMillis
}
