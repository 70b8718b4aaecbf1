import { graphType, tensorType, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-messages.ts'
import { widthOfMask } from './ragged-lengths.ts'
import { attributeOf, indexGraph, type GraphIndex } from './tensor-values.ts'

/**
 * Takes out the branch by which Phi's long-context exports choose between two rope caches: `If(total > N)` with
 * nothing but constants in both arms (onnxruntime-genai, `make_rotary_embedding_multi_cache`). Where no text may become
 * longer than `maxLength` <= N, the short cache is always the one.
 */
export function fixRopeCaches(graph: OnnxGraph, maxLength: number | undefined): OnnxGraph {
  if (maxLength === undefined) return graph
  const index = indexGraph(graph)
  const caches: OnnxTensor[] = []
  const nodes = graph.nodes.filter((node) => {
    const short = node.operator === 'If' ? shortCaches(index, node, maxLength) : undefined
    if (short) caches.push(...short)
    return !short
  })
  return caches.length === 0 ? graph : { ...graph, nodes, initializers: [...graph.initializers, ...caches] }
}

function shortCaches(
  index: GraphIndex,
  node: OnnxNode,
  maxLength: number,
): readonly OnnxTensor[] | undefined {
  const condition = index.producer.get(node.inputs[0] ?? '')
  const [length = '', threshold = ''] = condition?.inputs ?? []
  const limit = index.integers(threshold)?.[0]
  if (condition?.operator !== 'Greater' || limit === undefined || maxLength > limit) return undefined
  if (!widthOfMask(index, length)) return undefined
  const branch = attributeOf(node, 'else_branch')?.graph
  if (!branch) return undefined
  const { nodes, outputs } = graphType.decode(branch)
  const constants = new Map(nodes.map((constant) => [constant.outputs[0] ?? '', constant]))
  const tensors: OnnxTensor[] = []
  for (const [i, { name = '' }] of outputs.entries()) {
    const constant = constants.get(name)
    const tensor = constant?.operator === 'Constant' ? attributeOf(constant, 'value')?.tensor : undefined
    const output = node.outputs[i]
    if (!tensor || !output) return undefined
    tensors.push({ ...tensorType.decode(tensor), name: output })
  }
  return tensors
}
