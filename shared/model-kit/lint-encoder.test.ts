import { describe, expect, it } from 'vitest'
import { lintEncoder, type EncoderLintInput } from '../models/lint-encoder.ts'
import { readJson } from '../models/model-files.ts'
import { makeNode, makeValueInfo } from '../models/onnx/make-parts.ts'
import { modelType, type OnnxGraph } from '../models/onnx/onnx-messages.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { openSentenceEncoder } from './use-lite/open-encoder.ts'

const { manifest, files } = await openSentenceEncoder()
const whole: EncoderLintInput = {
  dtype: 'fp32',
  weights: await files.read(manifest.weights),
  paths: files.paths,
  config: await readJson(files, 'config.json'),
  contextLength: 128,
  dimensions: 512,
}
const model = modelType.decode(whole.weights)
const graph = model.graph as OnnxGraph

const changed = (changes: Partial<OnnxGraph>): Partial<EncoderLintInput> => ({
  weights: modelType.encode({ ...model, graph: { ...graph, ...changes } }),
})
const named = (changes: Partial<EncoderLintInput>): readonly string[] =>
  lintEncoder({ ...whole, ...changes }).map(({ rule }) => rule)
const without = (name: string) => (value: { readonly name?: string | undefined }) => value.name !== name

describe('lintEncoder', () => {
  it('finds nothing in the sentence encoder', () => {
    expect(lintEncoder(whole)).toEqual([])
  })

  it.each([
    ['no-vector', changed({ outputs: graph.outputs.filter(without('sentence_embedding')) })],
    ['vector-size', { dimensions: 384 }],
    ['strange-input', changed({ inputs: [...graph.inputs, makeValueInfo('pixel_values', 1, [1])] })],
    ['no-mask', changed({ inputs: graph.inputs.filter(without('attention_mask')) })],
    ['vocabulary', { config: { vocab_size: 9000 } }],
    ['vocabulary', { config: {} }],
    ['random-operator', changed({ nodes: [...graph.nodes, makeNode('RandomNormal', [], ['noise'])] })],
    [
      'unknown-domain',
      changed({ nodes: [...graph.nodes, makeNode('Odd', [], ['odd'], { domain: 'ai.odd' })] }),
    ],
    ['weight-precision', { dtype: 'q4' }],
  ] satisfies [string, Partial<EncoderLintInput>][])('names %s', (rule, changes) => {
    expect(named(changes)).toEqual([rule])
  })

  it('refuses a model that writes', async () => {
    const tiny = await readTinyModel('fp32')
    const weights = await tiny.files.read(tiny.manifest.weights)
    expect(named({ weights, config: { vocab_size: 1024 } })).toContain('no-vector')
  })
})
