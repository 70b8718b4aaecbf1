import type { Millis } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { ModelPlace } from '#shared/peer/peer.ts'
import type { ProvidedModel } from '#shared/peer/provide-model.ts'
import type { StartedEngine, WantedBackend } from '../session/services.ts'
import type { TabReason } from './pause-reasons.ts'
import type { ProvideServices } from './services.ts'

/**
 * Where a model of several stands.
 *
 * - `loaded`: on the GPU, or in the processor's memory
 * - `kept`: on this device, loaded when a prompt for it comes
 * - `unmeasured`: it was never loaded here, so nothing of it can be offered yet
 * - `measuring`: it is loaded for that
 * - `resting`: it could not be loaded, and is offered again after a while
 * - `out`: it is not offered any more
 */
export type LentPlace = 'loaded' | 'loading' | 'kept' | 'unmeasured' | 'measuring' | 'resting' | 'out'

/** One of the models that a tab lends beside one another. */
export interface LentModel {
  readonly choice: ModelChoice
  readonly place: LentPlace
  /** How far its load is. */
  readonly progress: LoadProgress | undefined
  /** What a prompt that came now would wait for it. */
  readonly loadMs: Millis | undefined
  /** Prompts that are answered with it or wait for it. */
  readonly running: number
  /** Answers that were written. */
  readonly answers: number
  readonly due: bigint
  /** Why it is not offered. */
  readonly error: InfernetError | undefined
}

/** What this tab lends: one model, or the one that the visitor chose beside others. */
export interface Lending {
  readonly chosen: ProvidedModel<TabReason>
  /** All that were offered since lending began, ended ones too. */
  readonly all: readonly ProvidedModel<TabReason>[]
  /** Where each stands; empty where one alone is lent. */
  readonly models: readonly LentModel[]
  /** How much of the time may be computed from now on, (0, 1]. */
  setShare(share: number): void
  setReason(reason: TabReason, on: boolean): void
  /** The visitor lends the others too from now on, or no longer. */
  othersChanged(): void
  onChange(callback: () => void): () => void
  /** Takes no new prompts and lets the running ones end. */
  drain(): Promise<void>
  /** Ends at once. The engines are there until {@link close}. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** A model with the engine that runs it. */
export interface ChosenModel {
  readonly choice: ModelChoice
  readonly started: StartedEngine
}

/** Offers a model to the network. */
export type OfferModel = (
  choice: ModelChoice,
  engine: StandingEngine,
  more: {
    readonly place?: ModelPlace | undefined
    /** Whether subgroups are used; undefined while that is not known. */
    readonly subgroups: () => boolean | undefined
  },
) => ProvidedModel<TabReason>

export interface LendingComponents {
  readonly services: Pick<
    ProvideServices,
    'clock' | 'startEngine' | 'modelIsHere' | 'termsAreAccepted' | 'shownHere' | 'holdModel'
  >
  readonly offer: OfferModel
  /** The models of which others may be lent now; none while the visitor wants no others. */
  readonly choices: () => readonly ModelChoice[]
  readonly backend: WantedBackend
  /** How much of the time may be computed, (0, 1]. */
  readonly share: number
  /** The chosen model was loaded again. */
  readonly onStarted: (started: StartedEngine) => void
  /** The chosen model cannot be had any more. */
  readonly onLost: (reason: InfernetError) => void
}

/** Begins with what is loaded. @throws InfernetError as `provideModel` */
export type BeginLending = (components: LendingComponents, chosen: ChosenModel) => Lending
