import { InfernetError } from '../../errors/infernet-error.ts'
import { externalFiles } from './external-weights.ts'
import type { OnnxGraph } from './onnx-messages.ts'
import { DATA_TYPE, integerAttribute, operatorName, tensorBytes } from './tensor-values.ts'

/** What a graph is made of: for the fit check, for the publisher's lint and for the profile of a model. */
export interface GraphFacts {
  /** Bytes of all initializers, those that lie in the model's own external data files included. */
  readonly weightBytes: number
  /** The largest initializer: what the adapter's `maxStorageBufferBindingSize` has to hold. */
  readonly largestTensorBytes: number
  /** Undefined where the graph's shapes are symbolic and say no sizes. */
  readonly cacheBytesPerToken: number | undefined
  /** `domain:Operator`, or `Operator` of the standard domain, and how many of each. */
  readonly operators: ReadonlyMap<string, number>
  /** The highest `accuracy_level` of all MatMulNBits: 4 computes in int8, which no two backends do alike. */
  readonly accuracyLevel: number
  /** A layer sees only the last tokens (`local_window_size`). */
  readonly hasSlidingWindow: boolean
  /** Names of the model's own external data files, as its tensors name them. */
  readonly externalFiles: readonly string[]
}

/** @throws InfernetError `models.corrupt` when a tensor's bytes are not what its shape says */
export function graphFacts(graph: OnnxGraph): GraphFacts {
  let weightBytes = 0
  let largestTensorBytes = 0
  for (const tensor of graph.initializers) {
    const bytes = tensorBytes(tensor)
    if (bytes !== undefined && tensor.rawData && tensor.rawData.length !== bytes)
      throw new InfernetError('models.corrupt')
    weightBytes += bytes ?? tensor.rawData?.length ?? 0
    largestTensorBytes = Math.max(largestTensorBytes, bytes ?? 0)
  }
  const operators = new Map<string, number>()
  let accuracyLevel = 0
  let hasSlidingWindow = false
  for (const node of graph.nodes) {
    const name = operatorName(node)
    operators.set(name, (operators.get(name) ?? 0) + 1)
    accuracyLevel = Math.max(accuracyLevel, integerAttribute(node, 'accuracy_level', 0))
    hasSlidingWindow ||= integerAttribute(node, 'local_window_size', -1) > 0
  }
  return {
    weightBytes,
    largestTensorBytes,
    cacheBytesPerToken: cacheBytesPerToken(graph),
    operators,
    accuracyLevel,
    hasSlidingWindow,
    externalFiles: externalFiles(graph),
  }
}

/** Inputs `past_key_values.*` of [batch, heads, past, headDim]: each token adds heads * headDim elements to each. */
function cacheBytesPerToken(graph: OnnxGraph): number | undefined {
  let bytes = 0
  for (const { name = '', type } of graph.inputs) {
    if (!name.startsWith('past_key_values.')) continue
    const [, heads, , headDim] = type?.tensor?.shape?.dims ?? []
    const size = Number(heads?.value ?? 0n) * Number(headDim?.value ?? 0n)
    const element = { [DATA_TYPE.float]: 4, [DATA_TYPE.float16]: 2 }[type?.tensor?.elementType ?? 0]
    if (!(size > 0) || element === undefined) return undefined
    bytes += size * element
  }
  return bytes > 0 ? bytes : undefined
}
