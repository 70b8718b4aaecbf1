import { hasSubgraphs, readInstead, renameValues, withoutDeadParts } from './edit-graph.ts'
import type { OnnxGraph, OnnxNode, OnnxTensor } from './onnx-messages.ts'
import { makeTensor, makeValueInfo } from './make-parts.ts'
import { DATA_TYPE, indexGraph, integerAttribute, operatorName, type GraphIndex } from './tensor-values.ts'

const ROW_LENGTHS = 'seqlens_k'
const LONGEST_ROW = 'total_sequence_length'
const MASK = 'attention_mask'

/** A rewritten graph, or in plain words why there is none. */
export type Rewrite = { readonly graph: OnnxGraph } | { readonly reason: string }

/**
 * Gives GroupQueryAttention the lengths of its rows as inputs instead of letting it count a mask.
 *
 * Exporters derive them as follows (onnxruntime-genai, `make_attention_mask_reformatting_for_gqa` in
 * src/python/py/models/builders/base.py), and Shape runs on the CPU, so such a graph can be neither captured nor given
 * rows of different lengths that share the padding of one cache:
 *
 *     seqlens_k = Cast(Sub(ReduceSum(attention_mask, axis 1), 1))        int32[batch]
 *     total     = Cast(Gather(Shape(attention_mask), 1))                 int32[]
 *
 * With `fixedCapacity` the second becomes a constant.
 */
export function raggedLengths(graph: OnnxGraph, fixedCapacity: number | undefined): Rewrite {
  if (graph.nodes.some(hasSubgraphs)) return { reason: 'it has branches' }
  const free = withFreeNames(graph, [ROW_LENGTHS, LONGEST_ROW])
  const attention = free.nodes.filter((node) => operatorName(node) === 'com.microsoft:GroupQueryAttention')
  if (attention.length === 0) return { reason: 'it has no GroupQueryAttention' }
  const index = indexGraph(free)
  const names = new Map<string, string>()
  for (const node of attention) {
    const [, , , , , rows = '', longest = ''] = node.inputs
    if (!countsMask(index, rows) && !isInput(free, rows)) return { reason: 'row lengths of an unknown kind' }
    if (!widthOfMask(index, longest) && !isInput(free, longest) && !index.initializers.has(longest))
      return { reason: 'a total length of an unknown kind' }
    names.set(rows, ROW_LENGTHS).set(longest, LONGEST_ROW)
  }
  const read = readInstead(free, names)
  const rowsInput = makeValueInfo(ROW_LENGTHS, DATA_TYPE.int32, ['batch_size'])
  const longestInput = makeValueInfo(LONGEST_ROW, DATA_TYPE.int32, [])
  const lean = withoutDeadParts({
    ...read,
    inputs:
      fixedCapacity === undefined ? [...read.inputs, rowsInput, longestInput] : [...read.inputs, rowsInput],
    initializers:
      fixedCapacity === undefined ? read.initializers : [...read.initializers, scalar(fixedCapacity)],
  })
  if (lean.inputs.some(({ name }) => name === MASK)) return { reason: 'it reads the mask elsewhere too' }
  return { graph: lean }
}

function scalar(value: number): OnnxTensor {
  const data = new Uint8Array(4)
  new DataView(data.buffer).setInt32(0, value, true)
  return makeTensor(LONGEST_ROW, DATA_TYPE.int32, [], data)
}

/** Values inside the graph may have the names that our inputs are about to take. */
export function withFreeNames(graph: OnnxGraph, taken: readonly string[]): OnnxGraph {
  return renameValues(graph, new Map(taken.map((name) => [name, `${name}/before`])))
}

function isInput(graph: OnnxGraph, value: string): boolean {
  return graph.inputs.some(
    ({ name, type }) => name === value && type?.tensor?.elementType === DATA_TYPE.int32,
  )
}

function countsMask(index: GraphIndex, value: string): boolean {
  const minusOne = throughCasts(index, value)
  const [summed = '', one = ''] = minusOne?.inputs ?? []
  const step = index.integers(one)?.[0]
  const subtracts =
    (minusOne?.operator === 'Sub' && step === 1) || (minusOne?.operator === 'Add' && step === -1)
  return subtracts && sumsMask(index, summed)
}

function sumsMask(index: GraphIndex, value: string): boolean {
  const sum = throughCasts(index, value)
  return sum?.operator === 'ReduceSum' && isMask(index, sum.inputs[0] ?? '')
}

/** True for the number of tokens that an attention mask speaks of. */
export function widthOfMask(index: GraphIndex, value: string): boolean {
  const node = throughCasts(index, value)
  // With graph capture in mind, onnxruntime-genai takes the longest sum instead of the mask's width.
  if (node?.operator === 'ReduceMax') return sumsMask(index, node.inputs[0] ?? '')
  if (node?.operator !== 'Gather' || integerAttribute(node, 'axis', 0) !== 0) return false
  const [shaped = '', place = ''] = node.inputs
  const axis = index.integers(place)?.[0]
  const shape = throughCasts(index, shaped)
  return (axis === 1 || axis === -1) && shape?.operator === 'Shape' && isMask(index, shape.inputs[0] ?? '')
}

function isMask(index: GraphIndex, value: string): boolean {
  return value === MASK || castSource(index, value) === MASK
}

/** The node behind changes of type and of form. */
function throughCasts(index: GraphIndex, value: string): OnnxNode | undefined {
  return index.producer.get(castSource(index, value))
}

const SAME_NUMBERS = new Set(['Cast', 'Squeeze', 'Unsqueeze', 'Identity', 'Reshape'])

function castSource(index: GraphIndex, value: string): string {
  // Bounded by the nodes: a graph that bites its own tail would turn for ever.
  for (let steps = 0; steps < 16; steps++) {
    const node = index.producer.get(value)
    if (!node || !SAME_NUMBERS.has(operatorName(node))) return value
    value = node.inputs[0] ?? ''
  }
  return value
}
