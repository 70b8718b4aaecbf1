import type { OnnxGraph, OnnxNode, ValueInfo } from './onnx-messages.ts'
import { hasSubgraphs, hasValue } from './edit-graph.ts'
import { withFreeNames, type Rewrite } from './ragged-lengths.ts'
import { makeNode, makeValueInfo } from './make-parts.ts'
import {
  DATA_TYPE,
  attributeOf,
  indexGraph,
  integerAttribute,
  operatorName,
  type GraphIndex,
} from './tensor-values.ts'

const PICKED = 'logit_positions'
const PICKED_HIDDEN = `${PICKED}/hidden`

/**
 * Lets the caller choose the positions that get logits: a Gather along the sequence right before the matrix product
 * that makes logits of hidden states. For 128 positions of a vocabulary of 152,000 it saves 78 MB and most of what the
 * product costs. A choice that the export makes itself (`num_logits_to_keep`, only the last position) is taken out.
 */
export function pickPositions(graph: OnnxGraph): Rewrite {
  // Branches read values by name from outside, where we could not rename them.
  if (graph.nodes.some(hasSubgraphs) && hasValue(graph, [PICKED, PICKED_HIDDEN]))
    return { reason: 'it has branches' }
  const free = withFreeNames(graph, [PICKED, PICKED_HIDDEN])
  const logits = free.outputs.find(({ name }) => name === 'logits')
  if (logits?.type?.tensor?.shape?.dims.length !== 3)
    return { reason: 'its logits are not [batch, positions, vocab]' }
  const index = indexGraph(free)
  const heads = headsOf(index, 'logits')
  if (!heads) return { reason: 'what makes its logits is of an unknown kind' }
  const [source, ...others] = new Set([...heads].map(({ inputs }) => inputs[0] ?? ''))
  if (source === undefined || others.length > 0)
    return { reason: 'its logits come from several hidden states' }

  const hidden = beforeSelection(index, source)
  const gather = makeNode('Gather', [hidden, PICKED], [PICKED_HIDDEN], { attributes: { axis: 1n } })
  const nodes: OnnxNode[] = []
  for (const node of free.nodes) {
    if (!heads.has(node)) nodes.push(node)
    else {
      if (!nodes.includes(gather)) nodes.push(gather)
      nodes.push({ ...node, inputs: [PICKED_HIDDEN, ...node.inputs.slice(1)] })
    }
  }
  const behind = downstream(nodes, PICKED_HIDDEN)
  return {
    graph: {
      ...free,
      nodes,
      inputs: [...free.inputs, makeValueInfo(PICKED, DATA_TYPE.int64, ['picked_positions'])],
      outputs: free.outputs.map((output) => (output === logits ? withPickedLength(output) : output)),
      // What was written down of their shapes is no longer true.
      valueInfos: free.valueInfos.filter(({ name = '' }) => !behind.has(name)),
    },
  }
}

/** Operators that treat every position alike and have one input that is no constant. */
const POINTWISE = new Set(['Cast', 'Mul', 'Div', 'Add', 'Sub', 'Tanh', 'Where', 'Identity', 'Clip', 'Concat'])
const HEADS = new Set(['MatMul', 'com.microsoft:MatMulNBits'])

/** The products that a value is made by, or undefined when something else has a part in it. */
function headsOf(index: GraphIndex, value: string): ReadonlySet<OnnxNode> | undefined {
  const heads = new Set<OnnxNode>()
  const open = [value]
  // A handful of operators lie between product and logits: scale, cap, mask, cast, parts put together.
  for (let steps = 0; steps < 64; steps++) {
    const next = open.pop()
    if (next === undefined) return heads.size > 0 ? heads : undefined
    const node = index.producer.get(next)
    if (!node) return undefined
    if (HEADS.has(operatorName(node))) heads.add(node)
    else if (POINTWISE.has(operatorName(node)) && keepsPositions(node))
      open.push(...node.inputs.filter((input) => input !== '' && !index.isConstant(input)))
    else return undefined
  }
  return undefined
}

/** Parts of the vocabulary may be put together, positions not. */
function keepsPositions(node: OnnxNode): boolean {
  return node.operator !== 'Concat' || [-1, 2].includes(integerAttribute(node, 'axis', 0))
}

/** The hidden states of all positions, where the export keeps only some of them. */
function beforeSelection(index: GraphIndex, value: string): string {
  // One selection is all that exports make; the bound is for graphs that turn in a circle.
  for (let steps = 0; steps < 4; steps++) {
    const source = selectionSource(index, value)
    if (source === undefined) return value
    value = source
  }
  return value
}

function selectionSource(index: GraphIndex, value: string): string | undefined {
  const node = index.producer.get(value)
  if (!node) return undefined
  const [data = '', , , axes = ''] = node.inputs
  if (operatorName(node) === 'Slice') {
    const along = index.integers(axes) ?? attributeOf(node, 'axes')?.ints.map(Number)
    return along?.length === 1 && along[0] === 1 ? data : undefined
  }
  // onnxruntime-genai's `prune_lm_head`: Gather of one position, which loses the axis, and Unsqueeze.
  const losesAxis = operatorName(node) === 'Unsqueeze'
  const gather = losesAxis ? index.producer.get(data) : node
  if (gather?.operator !== 'Gather' || integerAttribute(gather, 'axis', 0) !== 1) return undefined
  const place = index.initializers.get(gather.inputs[1] ?? '')
  return place && (place.dims.length === 0) !== losesAxis ? undefined : gather.inputs[0]
}

function downstream(nodes: readonly OnnxNode[], value: string): ReadonlySet<string> {
  const reached = new Set([value])
  for (const { inputs, outputs } of nodes)
    if (inputs.some((input) => reached.has(input))) for (const output of outputs) reached.add(output)
  return reached
}

function withPickedLength(logits: ValueInfo): ValueInfo {
  const dims = logits.type?.tensor?.shape?.dims ?? []
  const named = dims.map(({ value, name }, i) =>
    i === 1 ? 'picked_positions' : (name ?? Number(value ?? 0n)),
  )
  return makeValueInfo('logits', logits.type?.tensor?.elementType ?? DATA_TYPE.float, named)
}
