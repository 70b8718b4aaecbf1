import type { OrtSessionOptions } from '../../ort-runtime.ts'

/**
 * Session options with graph capture for ORT's C++ part only.
 *
 * The JavaScript part of onnxruntime-web 1.30.0, once it knows of capture, binds inputs and outputs on the first run
 * alone, and un-registers our buffers while that binding stays: the second run fails. It also allows one graph only.
 * Neither is a limit of the C++ part, which takes `gpu_graph_id` per run (ORT #25367, #28260). Both read the same
 * option, the C++ part first, and `freeDimensionOverrides` is read once in between; so the answer changes there. If a
 * later ORT reads in another order, the first captured run fails and the decoder works without capture.
 */
export function captureOptions(options: OrtSessionOptions): OrtSessionOptions {
  let capture: true | undefined = true
  return Object.defineProperties(
    { ...options },
    {
      enableGraphCapture: { enumerable: true, get: () => capture },
      freeDimensionOverrides: {
        enumerable: true,
        get() {
          capture = undefined
          return undefined
        },
      },
    },
  )
}
