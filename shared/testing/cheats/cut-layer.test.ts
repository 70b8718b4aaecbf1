import { describe, expect, it } from 'vitest'
import { graphFacts } from '../../models/onnx/graph-facts.ts'
import { modelType, type OnnxGraph } from '../../models/onnx/onnx-messages.ts'
import { readTinyModel } from '../tiny-model.ts'
import { cutLayer } from './cut-layer.ts'

const { files, manifest } = await readTinyModel('fp32')
const weights = await files.read(manifest.weights)

function graphOf(file: Uint8Array): OnnxGraph {
  const { graph } = modelType.decode(file)
  if (!graph) throw new Error('no graph')
  return graph
}

describe('cutLayer', () => {
  it('leaves a model of a layer less, with its weights gone and its caches numbered from zero', () => {
    const [whole, cut] = [graphOf(weights), graphOf(cutLayer(weights, 1))]
    const layers = (graph: OnnxGraph) =>
      graph.nodes.filter(({ operator }) => operator === 'GroupQueryAttention')
    expect([layers(whole).length, layers(cut).length]).toEqual([4, 3])
    const { weightBytes, cacheBytesPerToken } = graphFacts(cut)
    expect(weightBytes).toBeLessThan(0.85 * graphFacts(whole).weightBytes)
    expect(cacheBytesPerToken).toBe(1536)
    const names = cut.outputs.map(({ name }) => name)
    expect(names).toEqual([
      'logits',
      ...[0, 1, 2].flatMap((layer) => [`present.${layer}.key`, `present.${layer}.value`]),
    ])
  })

  it.each([0, 4])('refuses layer %i: no other comes before it', (layer) => {
    expect(() => cutLayer(weights, layer)).toThrow('after another one')
  })
})
