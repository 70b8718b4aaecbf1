import type { ModelHash } from '#shared/base/ids.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { SessionServices } from '../session/services.ts'

export interface ProvideServices extends SessionServices {
  /** Calls back with the time of each frame that the page draws, until what comes back is called. */
  onFrame(callback: (atMs: number) => void): () => void
  /** Never throws; its `problem` says why the GPU cannot be used. */
  inspectGpu(model: ModelHash | undefined): Promise<GpuInspection>
  /** Asks the browser to keep what is downloaded; false where it may throw it away. Never throws, and may wait for the person. */
  keepStorage(): Promise<boolean>
}
