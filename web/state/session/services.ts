import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { Millis } from '#shared/base/units.ts'
import type { ModelList } from '#shared/client/model-library.ts'
import type { Backend } from '#shared/engine/engine.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'

/** Small settings by name; an unavailable storage forgets and never throws. */
export interface SettingsStore {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

/** What the browser says of the device and the tab, as far as it does. */
export interface Conditions {
  readonly hidden: boolean
  /** `undefined` where the browser does not tell. */
  readonly onBattery: boolean | undefined
  readonly metered: boolean | undefined
  onChange(callback: () => void): () => void
}

/** `auto` takes the GPU where it is a real one and right, and the processor otherwise. */
export type WantedBackend = Backend | 'auto'

export interface EngineInit {
  readonly backend: WantedBackend
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number
  /** Others are answered with it: then its files are passed on too, while it is open. @default false */
  readonly isLent?: boolean
  readonly onProgress: (progress: LoadProgress) => void
}

export interface StartedEngine {
  readonly engine: StandingEngine
  /** Set when the GPU was tried first and the processor took over. */
  readonly fellBackFrom: InfernetError | undefined
  /** What is known of the GPU's `subgroups` feature; undefined where there is none or none is used. */
  readonly subgroups: SubgroupResult | undefined
  /** False where this browser keeps nothing: the next visit downloads the model again. */
  readonly isKept: boolean
  /** From the end of its download until its self-test was passed. */
  readonly loadMs: Millis
  /** How much of the time it may compute from now on, (0, 1]. */
  setShare(share: number): void
}

/** What every part of the page needs from outside: the clock, the device's state, the models and the network. */
export interface SessionServices {
  /** Goes by the relay's time, see `shell/relay-clock.ts`. */
  readonly clock: Clock
  /** How far the relay's clock is ahead of this computer's; less than zero for behind. */
  clockAheadMs(): Millis
  readonly settings: SettingsStore
  readonly conditions: Conditions
  /** False for a page over plain http from another machine. */
  readonly secure: boolean
  /** 16 bytes of randomness as text, to name what is kept. */
  newId(): string
  models(): Promise<ModelList>
  /**
   * Asks the peers who have a model what it is; from then on `models` names it.
   *
   * @throws InfernetError `models.nobody-left`, `models.unsupported` for a kind that is not known here, or the signal's
   *   reason
   */
  learnModel(model: ModelHash, options: { readonly signal: AbortSignal }): Promise<void>
  openMesh(
    init: Pick<MeshInit, 'purpose' | 'hidesAddress' | 'only'>,
    options: { readonly signal: AbortSignal },
  ): Promise<Mesh>
  /** Starts the model's engine in this tab, or shares the one that runs here already. */
  startEngine(
    model: ModelHash,
    init: EngineInit,
    options: { readonly signal: AbortSignal },
  ): Promise<StartedEngine>
  /** The name under which this browser provides, now or later; undefined where none lasts. Never throws. */
  providingName(): Promise<PeerName | undefined>
}
