import { describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { makeNode, makeTensor } from '#shared/models/onnx/make-parts.ts'
import { modelType, type OnnxGraph } from '#shared/models/onnx/onnx-messages.ts'
import { DATA_TYPE } from '#shared/models/onnx/tensor-values.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
import { FAMILIES } from './families.ts'
import { makeFamilyModel } from './make-family.ts'

type Config = Readonly<Record<string, unknown>>

/** Loads the Qwen 3 of the tests with another graph and another config.json. */
async function load(
  change: (graph: OnnxGraph, vocab: number) => OnnxGraph,
  config: (config: Config) => Config,
) {
  const model = FAMILIES.find(({ family }) => family.id === 'qwen3')
  if (!model) throw new Error('no family')
  const { manifest, files } = makeFamilyModel(model, 'fp32')
  const whole = modelType.decode(await files.read(manifest.weights))
  if (!whole.graph) throw new Error('no graph')
  const bytes = Uint8Array.from(
    modelType.encode({ ...whole, graph: change(whole.graph, manifest.vocabSize) }),
  )
  const json = JSON.parse(new TextDecoder().decode(await files.read('config.json'))) as Config
  const changed = new Map([
    [manifest.weights, bytes],
    ['config.json', new TextEncoder().encode(JSON.stringify(config(json)))],
  ])
  const read = async (path: string) => changed.get(path) ?? (await files.read(path))
  const engine = await createEngine(await wasmComponents({ paths: files.paths, read }), { manifest })
  await engine.close()
}

/** Names in place of the head's size, in what goes in and, if `all`, in what comes out. */
function withoutHeadSize(graph: OnnxGraph, all: boolean): OnnxGraph {
  const rename = (values: OnnxGraph['inputs']): OnnxGraph['inputs'] =>
    values.map((value) => {
      const tensor = value.type?.tensor
      const dims = tensor?.shape?.dims
      if (!/past_key|present/.test(value.name ?? '') || !tensor || !dims) return value
      const named = dims.map((dim, i) => (i === 3 ? { ...dim, value: undefined, name: 'head' } : dim))
      return {
        ...value,
        type: { ...value.type, tensor: { ...tensor, shape: { ...tensor.shape, dims: named } } },
      }
    })
  return { ...graph, inputs: rename(graph.inputs), outputs: all ? rename(graph.outputs) : graph.outputs }
}

describe('a model', () => {
  it('may pad its vocabulary with logits of -Infinity', async () => {
    const padded = (graph: OnnxGraph, vocab: number): OnnxGraph => {
      const bias = new Float32Array(vocab).fill(-Infinity, vocab - 4)
      const raw = (names: readonly string[]): string[] =>
        names.map((name) => (name === 'logits' ? 'raw' : name))
      const nodes = graph.nodes.map((node) => ({
        ...node,
        inputs: raw(node.inputs),
        outputs: raw(node.outputs),
      }))
      return {
        ...graph,
        nodes: [...nodes, makeNode('Add', ['raw', 'padding'], ['logits'])],
        initializers: [
          ...graph.initializers,
          makeTensor('padding', DATA_TYPE.float, [vocab], new Uint8Array(bias.buffer)),
        ],
      }
    }
    await load(padded, (config) => config)
  })

  it('whose config.json says no head size is read by what comes out of the graph', async () => {
    await load(
      (graph) => withoutHeadSize(graph, false),
      ({ head_dim: _, ...config }) => config,
    )
  })

  it('whose files disagree on the size of its cache is refused by name', async () => {
    const wrong = load(
      (graph) => withoutHeadSize(graph, true),
      ({ head_dim: _, ...config }) => config,
    )
    await expect(wrong).rejects.toMatchObject({
      code: 'models.unsupported',
      facts: { reason: expect.stringContaining('head_dim') as string },
    })
  })
})
