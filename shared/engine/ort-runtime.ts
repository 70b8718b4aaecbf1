import type * as Ort from 'onnxruntime-web'

/** The version of onnxruntime-web that we run on: what was proved of one says nothing of another. */
export const ORT_VERSION = '1.30.0'

/**
 * What the engine needs of onnxruntime-web. The runtime itself is a component: a tab imports
 * `onnxruntime-web/webgpu`, Node the wasm build, and `shared` neither.
 */
export type OrtRuntime = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>
export type OrtSession = Ort.InferenceSession
export type OrtTensor = Ort.Tensor
export type OrtSessionOptions = Ort.InferenceSession.SessionOptions
export type OrtValueMetadata = Ort.InferenceSession.ValueMetadata

/** A GPU of our own making (`requestGpu`). */
export interface Gpu {
  readonly device: GPUDevice
  /** What the browser says of it, e.g. `nvidia ampere`. */
  readonly label: string
}
