import type { ModelHash } from '#shared/base/ids.ts'
import type { Backend } from '#shared/engine/engine.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { SessionServices } from '../session/services.ts'

/** `auto` takes the GPU where it is a real one and right, and the processor otherwise. */
export type WantedBackend = Backend | 'auto'

export interface EngineInit {
  readonly backend: WantedBackend
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number
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
  /** How much of the time it may compute from now on, (0, 1]. */
  setShare(share: number): void
}

export interface ProvideServices extends SessionServices {
  /** Calls back with the time of each frame that the page draws, until what comes back is called. */
  onFrame(callback: (atMs: number) => void): () => void
  /** Never throws; its `problem` says why the GPU cannot be used. */
  inspectGpu(model: ModelHash | undefined): Promise<GpuInspection>
  startEngine(
    model: ModelHash,
    init: EngineInit,
    options: { readonly signal: AbortSignal },
  ): Promise<StartedEngine>
  /** Asks the browser to keep what is downloaded; false where it may throw it away. Never throws, and may wait for the person. */
  keepStorage(): Promise<boolean>
}
