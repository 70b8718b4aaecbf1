import { renameValues, readInstead, withoutDeadParts } from '../../models/onnx/edit-graph.ts'
import { modelType, type OnnxGraph } from '../../models/onnx/onnx-messages.ts'

/**
 * A decoder with one of its layers taken out: a model that is really smaller, with the same tokens and the same style.
 * It is for graphs as the kit's `build_model.py` writes them, where layer `i` reads `l{i-1}.n3` (normalised) and
 * `l{i-1}.x2` (the residual) and gives `l{i}.n3` and `l{i}.x2`.
 *
 * @param weights the model file
 * @param layer not the first
 * @throws Error when the graph has no such layer
 *
 * @example
 * const smaller = cutLayer(await files.read('onnx/model.onnx'), 2)
 */
export function cutLayer(weights: Uint8Array, layer: number): Uint8Array<ArrayBuffer> {
  const model = modelType.decode(weights)
  if (!model.graph) throw new Error('The model file has no graph.')
  return modelType.encode({ ...model, graph: withoutLayer(model.graph, layer) })
}

function withoutLayer(graph: OnnxGraph, layer: number): OnnxGraph {
  const [before, cut] = [`l${layer - 1}`, `l${layer}`]
  const norm = graph.nodes.find(({ outputs }) => outputs.includes(`${before}.n3`))
  const next = graph.nodes.find(({ outputs }) => outputs.includes(`${cut}.n3`))
  const scale = next?.inputs[2]
  if (!norm || !next || scale === undefined)
    throw new Error(`The graph has no layer ${layer} after another one.`)
  // What follows is normalised by the scale of the layer that now comes next.
  const nodes = graph.nodes.map((node) =>
    node === norm ? { ...node, inputs: [...node.inputs.slice(0, 2), scale] } : node,
  )
  const around = new Map([
    [`${cut}.n3`, `${before}.n3`],
    [`${cut}.x2`, `${before}.x2`],
  ])
  const isOf = (index: number, name = ''): boolean => CACHE.exec(name)?.[1] === String(index)
  const outputs = graph.outputs.filter(({ name }) => !isOf(layer, name))
  return withCacheFromZero(withoutDeadParts(readInstead({ ...graph, nodes, outputs }, around), KEPT), layer)
}

/** Inputs that the loader looks for, whether the graph reads them or not. */
const KEPT = ['attention_mask', 'position_ids']

const CACHE = /^(?:past_key_values|present)\.(\d+)\.(?:key|value)$/

/** The caches of the layers after the one that is gone get the number before theirs. */
function withCacheFromZero(graph: OnnxGraph, gone: number): OnnxGraph {
  const names = [...graph.inputs, ...graph.outputs].map(({ name = '' }) => name)
  const moved = names
    .map((name) => [name, Number(CACHE.exec(name)?.[1] ?? -1)] as const)
    .filter(([, index]) => index > gone)
    .map(([name, index]) => [name, name.replace(String(index), String(index - 1))] as const)
  return renameValues(graph, new Map(moved))
}
