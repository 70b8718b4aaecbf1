import { WEIGHTS_PATHS, type Dtype, type Manifest } from '../../models/manifest.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { describeFile } from '../describe-file.ts'
import type { FamilyModel } from './families.ts'
import { buildGenaiDecoder } from './genai-decoder.ts'
import { buildOptimumDecoder } from './optimum-decoder.ts'
import { idOf } from './tokenizers.ts'
import { tagOf } from '../../wire/versions.ts'

/** A model with random weights in memory. */
export interface MadeModel {
  readonly manifest: Manifest
  readonly files: ModelFiles
}

/** Makes a model of a family as the hub would hold it: graph, external data, configuration, tokenizer, template. */
export function makeFamilyModel(model: FamilyModel, dtype: Dtype): MadeModel {
  const { family, exporter } = model
  const weights = WEIGHTS_PATHS[dtype]
  const graph = exporter === 'genai' ? buildGenaiDecoder(family, dtype) : buildOptimumDecoder(family, dtype)
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [path, value] of Object.entries(configurations(model)))
    contents.set(path, new TextEncoder().encode(JSON.stringify(value)))
  for (const [name, bytes] of graph.finish(weights.replace('onnx/', ''), family.dataFiles))
    contents.set(`onnx/${name}`, bytes)
  const files: ModelFiles = {
    paths: [...contents.keys()],
    read: async (path) => {
      const bytes = contents.get(path)
      if (!bytes) throw new Error(`no file ${path}`)
      return bytes
    },
  }
  const manifest: Manifest = {
    format: tagOf('file', 'model'),
    id: family.id,
    name: family.id,
    task: 'text-generation',
    dtype,
    weights,
    contextLength: family.longRope?.below ?? family.contextLength,
    vocabSize: family.vocab,
    files: [...contents].map(([path, bytes]) => describeFile(path, bytes)),
  }
  return { manifest, files }
}

function configurations(model: FamilyModel): Readonly<Record<string, unknown>> {
  const { family, tokenizer, chatTemplate, bos, eos, modelType } = model
  const eosIds = eos.map((text) => idOf(tokenizer, text))
  return {
    'config.json': {
      model_type: modelType,
      vocab_size: family.vocab,
      hidden_size: family.hidden,
      num_hidden_layers: family.layers,
      num_attention_heads: family.heads,
      num_key_value_heads: family.kvHeads,
      head_dim: family.headDim,
      max_position_embeddings: family.contextLength,
      tie_word_embeddings: family.tied,
    },
    'generation_config.json': { eos_token_id: eosIds.length === 1 ? eosIds[0] : eosIds },
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: bos,
      eos_token: eos[0],
      chat_template: chatTemplate,
      clean_up_tokenization_spaces: false,
    },
  }
}
