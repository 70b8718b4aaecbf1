import { describe, expect, it } from 'vitest'
import { readTinyModel } from '../testing/tiny-model.ts'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'
import { lintModel, type LintInput } from '../models/lint-model.ts'
import { readJson } from '../models/model-files.ts'
import { makeNode, makeTensor, makeValueInfo } from '../models/onnx/make-parts.ts'
import { modelType, type OnnxGraph, type OnnxModel } from '../models/onnx/onnx-messages.ts'

const llama = FAMILIES[0]
if (!llama) throw new Error('no family')
const made = makeFamilyModel(llama, 'q4')
const whole: LintInput = {
  dtype: 'q4',
  weights: await made.files.read(made.manifest.weights),
  paths: made.files.paths,
  config: await readJson(made.files, 'config.json'),
  eosTokens: new Set([261]),
  contextLength: made.manifest.contextLength,
}
const model = modelType.decode(whole.weights)

function changed(change: (graph: OnnxGraph) => OnnxGraph, rest: Partial<OnnxModel> = {}): Partial<LintInput> {
  if (!model.graph) throw new Error('no graph')
  return { weights: modelType.encode({ ...model, ...rest, graph: change(model.graph) }) }
}

const named = (input: Partial<LintInput>): readonly string[] =>
  lintModel({ ...whole, ...input }).map(({ rule }) => rule)

describe('lintModel', () => {
  it.each(['fp32', 'q4'] as const)('finds nothing in Infernet Tiny %s', async (dtype) => {
    const { files, manifest, tokenizer } = await readTinyModel(dtype)
    const findings = lintModel({
      dtype,
      weights: await files.read(manifest.weights),
      paths: files.paths,
      config: await readJson(files, 'config.json'),
      eosTokens: tokenizer.eosTokens,
      contextLength: manifest.contextLength,
    })
    expect(findings).toEqual([])
  })

  it.each(FAMILIES.map((family) => [family.family.id, family] as const))(
    'refuses no export of %s',
    async (_, family) => {
      for (const dtype of ['fp32', 'fp16', 'q4', 'q4f16'] as const) {
        const { files, manifest } = makeFamilyModel(family, dtype)
        const findings = lintModel({
          dtype,
          weights: await files.read(manifest.weights),
          paths: files.paths,
          config: await readJson(files, 'config.json'),
          eosTokens: new Set([2]),
          contextLength: manifest.contextLength,
          beside: await Promise.all(
            files.paths
              .filter((path) => path.includes('_data'))
              .map(async (path) => ({ path: path.replace('onnx/', ''), data: await files.read(path) })),
          ),
        })
        expect(findings.map(({ rule }) => rule)).toEqual(family.exporter === 'genai' ? [] : ['one-row'])
      }
    },
  )

  it('says why accuracy_level 4 cannot be checked', () => {
    const level4 = changed((graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) => ({
        ...node,
        attributes: node.attributes.map((attribute) =>
          attribute.name === 'accuracy_level' ? { ...attribute, int: 4n } : attribute,
        ),
      })),
    }))
    expect(lintModel({ ...whole, ...level4 })).toEqual([
      {
        rule: 'accuracy-level',
        level: 'refuse',
        says: expect.stringMatching(/8 bits, by each backend in its own way/) as string,
      },
    ])
  })

  it.each<[string, Partial<LintInput>]>([
    [
      'unknown-domain',
      changed((graph) => ({
        ...graph,
        nodes: [...graph.nodes, makeNode('Magic', [], ['x'], { domain: 'my.own' })],
      })),
    ],
    ['local-functions', changed((graph) => graph, { functions: [new Uint8Array(0)] })],
    [
      'random-operator',
      changed((graph) => ({ ...graph, nodes: [...graph.nodes, makeNode('RandomNormal', [], ['x'])] })),
    ],
    ['cache-precision', { dtype: 'q4f16' }],
    ['weight-precision', { dtype: 'fp32' }],
    ['vocabulary', { config: { ...whole.config, vocab_size: 385 } }],
    [
      'no-cache',
      changed((graph) => ({
        ...graph,
        inputs: graph.inputs.filter(({ name }) => !name?.startsWith('past_key_values.')),
      })),
    ],
    [
      'missing-file',
      changed((graph) => ({
        ...graph,
        initializers: graph.initializers.map((tensor) =>
          tensor.name !== '/lm_head/MatMul.weight_Q4'
            ? tensor
            : {
                ...tensor,
                rawData: undefined,
                dataLocation: 1,
                externalData: [{ key: 'location', value: 'model_q4.onnx_data', unknown: [] }],
              },
        ),
      })),
    ],
    ['end-token', { eosTokens: new Set() }],
    ['end-token', { eosTokens: new Set([384]) }],
    ['rope-table', { config: { ...whole.config, max_position_embeddings: 511 } }],
    ['context-length', { contextLength: 513 }],
    ['window-without-size', { config: { ...whole.config, sliding_window: 128 } }],
    [
      'gpu-only',
      changed((graph) => ({
        ...graph,
        nodes: graph.nodes.map((node) =>
          node.operator === 'Gather' && node.inputs[1] === 'input_ids'
            ? { ...node, operator: 'GatherBlockQuantized', domain: 'com.microsoft' }
            : node,
        ),
      })),
    ],
    [
      'large-tensor',
      changed((graph) => ({
        ...graph,
        initializers: [
          ...graph.initializers,
          { ...makeTensor('big', 1, [40_000, 1000], new Uint8Array(0)), rawData: undefined },
        ],
      })),
    ],
    [
      'all-positions',
      changed((graph) => ({
        ...graph,
        nodes: graph.nodes.map((node) =>
          node.outputs.includes('logits') ? { ...node, operator: 'Gemm', domain: undefined } : node,
        ),
      })),
    ],
  ])('names %s', (rule, input) => {
    expect(named(input)).toEqual([rule])
  })

  it('names a graph without logits', () => {
    const without = changed((graph) => ({ ...graph, outputs: [makeValueInfo('scores', 1, [1, 1, 384])] }))
    expect(named(without)).toEqual(expect.arrayContaining(['no-logits', 'all-positions']))
  })

  it('throws for what is no model', () => {
    expect(() => lintModel({ ...whole, weights: new Uint8Array(0) })).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }),
    )
  })
})
