import type { ModelHash } from '#shared/base/ids.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { SessionServices, WantedBackend } from '../session/services.ts'

export interface ProvideServices extends SessionServices {
  /** What reads the tokens of a model, loaded once. @throws InfernetError `models.*` */
  loadReader(model: ModelHash): Promise<Pick<ChatTokenizer, 'decode'>>
  /** Calls back with the time of each frame that the page draws, until what comes back is called. */
  onFrame(callback: (atMs: number) => void): () => void
  /** Never throws; its `problem` says why the GPU cannot be used. */
  inspectGpu(model: ModelHash | undefined): Promise<GpuInspection>
  /** Asks the browser to keep what is downloaded; false where it may throw it away. Never throws, and may wait for the person. */
  keepStorage(): Promise<boolean>
  /** Whether all of the model is on this device. Never throws. */
  modelIsHere(model: ModelHash): Promise<boolean>
  /** Whether the visitor has accepted the terms of its hub, where that asks for it. Never throws. */
  termsAreAccepted(model: ModelHash): Promise<boolean>
  /** What the model showed when it was loaded last here; undefined where that is not known. Never throws. */
  shownHere(model: ModelHash, backend: WantedBackend): Promise<Measured | undefined>
  /** Keeps a model's files from being deleted, and passes them on, until what comes back is called. Never throws. */
  holdModel(model: ModelHash): Promise<() => void>
}
