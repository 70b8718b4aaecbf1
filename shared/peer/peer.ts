import type { ChainAddress, ModelHash, PeerName } from '../base/ids.ts'
import type { BaseUnits, EpochMillis, Millis, Tokens } from '../base/units.ts'
import type { Backend, Engine, FinishReason } from '../engine/engine.ts'
import type { Golden } from '../engine/golden.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import type { Price, Prompt, QuotePayment } from '../prompt/prompt.ts'
import type { Path } from '../schedule/assignment.ts'
import type { WantedShare } from '../schedule/demand/merge-demand.ts'
import type { Offer, OfferedSelfTest, ProviderKind, Tier } from '../schedule/offer.ts'
import type { CreditVerifier } from '../stream/credit.ts'
import type { Screen } from '../stream/screen.ts'
import type { TakeModel } from '../stream/serve-job.ts'
import type { Transcript } from '../stream/transcript.ts'
import type { Accusation } from './accusation.ts'
import type { Payer } from './payer.ts'
import type { CheckBy, CheckEvent, CheckReport } from './check-events.ts'

/** Who wrote a stretch of the answer, and how it went. */
export interface Segment {
  readonly provider: PeerName
  /** Whom vouchers for it pay; undefined where it works for nothing. */
  readonly operator: ChainAddress | undefined
  readonly kind: ProviderKind
  readonly backend: Backend
  readonly path: Path
  /** Application round trip, the smallest seen. */
  readonly rttMs: Millis
  readonly price: Price
  /** Position in the answer of its first token. */
  readonly from: number
  /** Tokens that came, signed or not. */
  readonly tokens: Tokens
  /** Tokens under a signed chunk: what is owed for. */
  readonly signedTokens: Tokens
  /** Signed chunks, prefill (chunk 0) not counted. */
  readonly chunks: number
  readonly due: BaseUnits
  /**
   * What was paid of that by vouchers, a prepaid prompt with it; zero where the provider works for nothing. More than is
   * due where a provider was lost, or was stopped, before it said whether it took the prompt that it was paid for.
   */
  readonly paid: BaseUnits
  readonly tokensPerSecond: number
  /** True when the provider claimed another count than came here. Only what came is owed. */
  readonly isUsageDisputed: boolean
}

/** What an answer tells while it is written, in order. */
export type AnswerEvent =
  /** Looking for candidates and asking for quotes; `attempt` counts from 1. */
  | { readonly type: 'searching'; readonly attempt: number }
  /**
   * Nobody can go on now, for this reason. The next look comes by itself, until the signal ends: whoever asks says how
   * long it is worth waiting.
   */
  | { readonly type: 'waiting'; readonly reason: InfernetError }
  /** This provider has to load the model first, and said that it takes so long. It may still refuse. */
  | { readonly type: 'loading'; readonly provider: PeerName; readonly loadMs: Millis }
  /** A provider took the job; `position` is where it goes on in the answer, `seed` what each further one goes on with. */
  | {
      readonly type: 'assigned'
      readonly position: number
      readonly segment: Segment
      readonly seed: Uint8Array
    }
  | { readonly type: 'tokens'; readonly tokens: readonly number[] }
  /** A block of tokens was signed; `due` is the whole amount owed so far to all providers. */
  | { readonly type: 'chunk'; readonly index: number; readonly due: BaseUnits; readonly segment: Segment }
  /**
   * A provider's part is over before the answer was (a stop, a loss, a refusal), and this is what it came to, with what
   * was signed and paid last. Not assigned: it was paid for a prompt and never said that it took it.
   */
  | {
      readonly type: 'ended'
      readonly wasAssigned: boolean
      readonly due: BaseUnits
      readonly segment: Segment
    }
  /** The provider went away at `position`; another one is looked for. `gapMs` of the pause stands in `resumed`. */
  | {
      readonly type: 'seam'
      readonly position: number
      readonly lost: PeerName
      readonly reason: InfernetError
    }
  | {
      readonly type: 'resumed'
      readonly position: number
      readonly provider: PeerName
      readonly gapMs: Millis
    }
  /**
   * Of two that are asked: how the other one's part stands, told when its provider takes the prompt, at each signed block
   * and at its end. `due` is the whole amount owed so far to all providers.
   */
  | { readonly type: 'second'; readonly due: BaseUnits; readonly segment: Segment }
  /**
   * Of two that are asked: their tokens differ at `position`. The text goes on with the first of `providers`; the other is
   * stopped when it has signed that position. Which of them is wrong is not known.
   */
  | {
      readonly type: 'parted'
      readonly position: number
      readonly providers: readonly [kept: PeerName, stopped: PeerName]
    }
  /**
   * Of two that are asked, after the last token: how many tokens both wrote alike, and whether they never parted. `reason`:
   * why the second one did not come to its end.
   */
  | {
      readonly type: 'compared'
      readonly tokens: number
      readonly same: boolean
      readonly reason?: InfernetError
    }
  /** What proves the part of one provider; it comes when that part is over, before `done`. */
  | { readonly type: 'proof'; readonly transcript: Transcript }
  | { readonly type: 'done'; readonly summary: AnswerSummary }

/** An answer that broke off, to be continued at the same position of the same stream of draws. */
export interface BegunAnswer {
  readonly tokens: readonly number[]
  /** The 32 bytes that `assigned` told. */
  readonly seed: Uint8Array
  /** Who wrote it: counts for what the answer costs as a whole. */
  readonly segments: readonly Segment[]
}

export interface AnswerSummary {
  readonly finish: FinishReason
  readonly segments: readonly Segment[]
  /** Counted here, never taken from a provider. */
  readonly promptTokens: Tokens
  readonly outputTokens: Tokens
  readonly due: BaseUnits
  /** What was paid to all providers. */
  readonly paid: BaseUnits
  /** From the call to the first token. */
  readonly ttftMs: Millis
  /** Output tokens after the first, over the time from the first to the last. */
  readonly tokensPerSecond: number
  /** Of two that were asked: what the other one's providers wrote of it. `due` and `paid` have it in them. */
  readonly second?: readonly Segment[]
}

/** Where a model is that is not always on the GPU, and what brings it there: see `ProviderShelf`. */
export interface ModelPlace {
  /** Undefined while it is on the GPU. */
  readonly tier: Tier | undefined
  /** What a job that is opened now would wait until it is loaded; undefined while nothing has to be. */
  readonly loadMs: Millis | undefined
  readonly take: TakeModel
  /** Calls back after each change of the above. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

export interface ProviderTerms {
  readonly price: Price
  /** Takes payment for the jobs. @default they are free */
  readonly payee?: Payee | undefined
  /** Jobs at once. @default as many as the engine runs at once */
  readonly slots?: number
  /** Jobs that may wait beyond these. @default MAX_WAITING_JOBS */
  readonly queue?: number
  /** How much of the time the engine may compute, (0, 1]; read at each offer and quote, whose speeds it scales. @default 1 */
  readonly share?: number
  /** Where the model is between jobs. @default on the GPU */
  readonly place?: ModelPlace | undefined
  /** The model's golden prompts, by whose sketches relays are told what this machine is like. @default none, and silence */
  readonly golden?: (() => Golden | undefined) | undefined
  /** Says which texts are not wanted here, of jobs and of checks. @default all are */
  readonly screen?: Screen | undefined
  /** Read at each renewal: an engine that was started again was tested again. */
  readonly selfTest: OfferedSelfTest
  /** Tests the engine again when somebody says that an answer differs. @default it is not, and nobody is asked for that */
  readonly selfTestDesk?: SelfTestDesk | undefined
}

/** How an engine that is provided is tested again. */
export interface SelfTestDesk {
  /** Whether a test of it shows anything. */
  readonly isAble: boolean
  /** Takes no new jobs until what comes back is called. */
  hold(): () => void
  /**
   * Runs the self-test. Afterwards `ProviderTerms.selfTest` is newer, or the engine has ended.
   *
   * @throws InfernetError `engine.self-test-failed`, what the engine throws, or the signal's reason
   */
  run(options: { readonly signal: AbortSignal }): Promise<void>
}

export type ProvisionState = 'live' | 'paused' | 'draining' | 'ended'

export interface ProviderJob {
  /** No two jobs of a peer are the same. */
  readonly number: number
  readonly consumer: PeerName
  readonly path: Path
  readonly tokens: Tokens
  readonly due: BaseUnits
  readonly paid: BaseUnits
  readonly startedAt: EpochMillis
  /**
   * Hands it back at once, because its provider does not want it: the consumer hears `stream.refused` and may go on
   * elsewhere. The same prompt of that consumer is not taken again by this peer.
   */
  stop(): void
}

/** The most texts of one request: some jobs' worth, and what unchanged clients of embedders send. */
export const MAX_EMBED_REQUEST_TEXTS = 2048

/** Texts that are to be turned into vectors. */
export interface EmbedRequest {
  readonly model: ModelHash
  /** Each in token ids, at least one. */
  readonly texts: readonly (readonly number[])[]
  /** Numbers of a vector, from the model's manifest. */
  readonly dimensions: number
  /** The highest price of a million tokens that are read; `undefined` takes any. */
  readonly maxPromptPrice: BaseUnits | undefined
  /** The most that all of it may cost, failovers included. @default only the payer's own limit */
  readonly maxCost?: BaseUnits | undefined
}

/** What an embedding tells while it is computed, in order. The rest as in {@link AnswerEvent}. */
export type EmbedEvent =
  | Exclude<
      AnswerEvent,
      {
        readonly type: 'tokens' | 'assigned' | 'seam' | 'resumed' | 'second' | 'parted' | 'compared' | 'done'
      }
    >
  /** A provider took the texts from `position` on. */
  | { readonly type: 'assigned'; readonly position: number; readonly segment: Segment }
  /** The vectors of the texts from `position` on, under a valid signature. */
  | { readonly type: 'vectors'; readonly position: number; readonly vectors: readonly Float32Array[] }
  /** The provider went away; another one is looked for, for the texts from `position` on. */
  | {
      readonly type: 'seam'
      readonly position: number
      readonly lost: PeerName
      readonly reason: InfernetError
    }
  | { readonly type: 'done'; readonly summary: EmbedSummary }

export interface EmbedSummary {
  readonly segments: readonly Segment[]
  /** Counted here, never taken from a provider. */
  readonly promptTokens: Tokens
  readonly due: BaseUnits
  /** What was paid to all providers. */
  readonly paid: BaseUnits
  /** From the call to the last vector. */
  readonly totalMs: Millis
}

/** A model that is being provided. */
export interface Provision {
  readonly model: ModelHash
  readonly state: ProvisionState
  readonly jobs: readonly ProviderJob[]
  readonly served: {
    readonly tokens: Tokens
    readonly jobs: number
    readonly handedOver: number
    readonly due: BaseUnits
    readonly paid: BaseUnits
  }
  /** When the newest offer was accepted by a relay; `undefined` while none is. The page says "live" only by this. */
  readonly offerAcceptedAt: EpochMillis | undefined
  /** Why a relay did not take the newest offer; undefined where one took it, and where none answered. */
  readonly offerRefusal: InfernetError | undefined
  /** The last time somebody said that an answer differs, and what came of that; undefined where nobody has. */
  readonly accusation: Accusation | undefined
  /** Withdraws the offer and takes no new job; running ones go on. */
  pause(): void
  resume(): void
  /** Withdraws the offer, lets running jobs end, then ends. Jobs that have not ended after `limitMs` are handed over. */
  drain(options?: { limitMs?: Millis }): Promise<void>
  /** Ends at once: running jobs are told so and move to another provider. */
  stop(): Promise<void>
  /** Calls back after each change. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/** What relays say of the network, from offers that were verified here. */
export interface NetworkView {
  readonly offers: readonly SeenOffer[]
  /** Providers that relays named and of whom no offer can be used, and why: they are there, and cannot be asked. */
  readonly unread: ReadonlyMap<PeerName, InfernetError>
  readonly relays: readonly RelayView[]
  readonly takenAt: EpochMillis
  /** What is wanted, by the word of these relays; empty where none has seen anything settled, or one model was asked for. */
  readonly demand?: readonly WantedShare[] | undefined
}

export interface SeenOffer {
  readonly offer: Offer
  /** Relays that named it. */
  readonly relays: readonly PeerName[]
  /** True after `offer.expiresAt`: it is kept a while and shown as unconfirmed. */
  readonly expired: boolean
}

export interface RelayView {
  readonly relay: PeerName
  readonly address: string
  /**
   * `checking`: connected, but it has not answered for a moment. `newer` and `older`: it answers, and speaks another version of the protocol than this
   * side does.
   */
  readonly state: 'connecting' | 'up' | 'checking' | 'down' | 'newer' | 'older'
  /** True while it holds a reservation for us, so that others can find us through it. */
  readonly reserved: boolean
  readonly rttMs: Millis | undefined
}

/** How this peer is paid for what it serves. */
export interface Payee {
  /** Stands in every quote. Its binding is made by this peer's key. */
  readonly payment: QuotePayment
  /** Judges what comes: `settle/payee-credit.ts`. */
  readonly credit: CreditVerifier
}

/** The stages in a row on a libp2p node: the same for a tab and for a Node process. */
export interface Peer {
  readonly name: PeerName
  /**
   * Asks the network. Iterate the result to drive it; leave the loop or abort the signal to cancel. Once an answer has
   * begun, or while all are busy, it waits for somebody as long as the signal lets it, and says so with `waiting`. So it
   * does for some seconds where a relay says that it has just started (`schedule.filling`).
   *
   * Throws `schedule.no-relay`, `schedule.no-provider`, `prompt.price-too-high`, `payment.*` when it is our side that
   * cannot pay, or the last provider's failure when
   * nobody could go on.
   */
  ask(
    prompt: Prompt,
    options?: {
      signal?: AbortSignal
      /** Who is not asked, such as what this tab itself provides. */
      except?: readonly PeerName[]
      /** Pays for the answer. @default only providers that work for nothing are asked */
      payer?: Payer | undefined
      /** What there is of it already, written for the same prompt. @default nothing */
      begun?: BegunAnswer | undefined
      /**
       * Two providers of different operators get the prompt and the same seed, and are compared token by token; both are
       * paid. Where only one is there, it answers alone. @default one
       */
      redundant?: 2 | undefined
    },
  ): AsyncGenerator<AnswerEvent, AnswerSummary, void>
  /**
   * Turns texts into vectors, as many as {@link MAX_EMBED_REQUEST_TEXTS} at once. Iterate the result to drive it; leave the
   * loop or abort the signal to cancel. It waits for somebody as {@link Peer.ask} does, and each provider goes on with the
   * texts that are not answered.
   *
   * Throws what {@link Peer.ask} throws, and `prompt.bad-parameters` for no text, too many or an empty one,
   * `prompt.too-long` for a text that no provider takes.
   */
  embed(
    request: EmbedRequest,
    options?: {
      signal?: AbortSignal
      /** Who is not asked. */
      except?: readonly PeerName[]
      /** Pays for it. @default only providers that work for nothing are asked */
      payer?: Payer | undefined
    },
  ): AsyncGenerator<EmbedEvent, EmbedSummary, void>
  /**
   * Has an answer checked whose transcript `ask` gave with `proof`: each part of an answer by itself. Iterate the result to
   * drive it; leave the loop or abort the signal to cancel. A verifier that is busy, stalls, or gives a verdict that does
   * not follow from what it shows is passed over for the next one.
   *
   * The verdict says what was found, an answer that differs included; what is thrown says that nothing was:
   * `verify.bad-request` for a transcript that proves nothing or keeps its question back, `verify.no-verifier`,
   * `prompt.price-too-high`, `payment.*`, or the last verifier's failure when nobody could do it.
   */
  check(
    transcript: Transcript,
    by: CheckBy,
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<CheckEvent, CheckReport, void>
  /**
   * Provides a loaded model under these terms until the provision ends. One provision per model.
   *
   * Throws `engine.self-test-failed` for an engine that is not right: what is offered has passed its self-test.
   */
  provide(engine: Engine, terms: ProviderTerms): Provision
  /** What the relays know now, for one model or for all. Throws `schedule.no-relay`. */
  look(options?: { model?: ModelHash; signal?: AbortSignal }): Promise<NetworkView>
  /** Says goodbye on all open jobs in one synchronous go, for `pagehide`. */
  farewell(): void
  stop(): Promise<void>
}
