import type { OnnxGraph, OnnxTensor } from './onnx-messages.ts'

/** The name under which the tensors that left the graph find the file that they came in. */
export const WEIGHTS_FILE = 'weights-of-the-model'

const EXTERNAL = 1

/**
 * Makes large initializers refer to the place in `file` where their bytes lie already, so that a graph can be written
 * anew and given to ORT without copying its weights.
 */
export function withExternalWeights(graph: OnnxGraph, file: Uint8Array, minBytes: number): OnnxGraph {
  return {
    ...graph,
    initializers: graph.initializers.map((tensor) => {
      const { rawData } = tensor
      return rawData && rawData.length >= minBytes && rawData.buffer === file.buffer
        ? pointingAt(tensor, rawData.byteOffset - file.byteOffset, rawData.length)
        : tensor
    }),
  }
}

function pointingAt(tensor: OnnxTensor, offset: number, length: number): OnnxTensor {
  const entry = (key: string, value: string | number) => ({ key, value: String(value), unknown: [] })
  return {
    ...tensor,
    rawData: undefined,
    dataLocation: EXTERNAL,
    externalData: [entry('location', WEIGHTS_FILE), entry('offset', offset), entry('length', length)],
  }
}

/** Files beside the model in which tensors lie. */
export function externalFiles(graph: OnnxGraph): readonly string[] {
  const files = new Set<string>()
  for (const { externalData, dataLocation } of graph.initializers)
    if (dataLocation === EXTERNAL) files.add(externalData.find(({ key }) => key === 'location')?.value ?? '')
  return [...files]
}
