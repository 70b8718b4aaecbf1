import * as v from 'valibot'
import { InfernetError } from '../errors/infernet-error.ts'
import { tagOf } from '../wire/versions.ts'
import { eosTokens } from './eos-tokens.ts'
import { lintModel, type Finding, type LintInput } from './lint-model.ts'
import {
  manifestSchema,
  WEIGHTS_PATHS,
  type Dtype,
  type Licence,
  type Manifest,
  type ManifestFile,
} from './manifest.ts'
import { graphFacts } from './onnx/graph-facts.ts'
import type { OnnxGraph } from './onnx/onnx-messages.ts'
import { textLimit } from './text-limit.ts'

type Json = Readonly<Record<string, unknown>>

export interface ModelFacts {
  /** What the model is called where it lies: a folder's or a repository's name, without its owner's. */
  readonly called: string
  readonly dtype: Dtype
  /** config.json, parsed. */
  readonly config: Json
  /** With all its initializers, whatever became of their bytes. */
  readonly graph: OnnxGraph
  readonly licence?: Licence | undefined
}

/**
 * A manifest without its files. It depends on nothing but the model, so that everyone who makes it makes the same.
 *
 * @throws InfernetError `models.unsupported` when config.json does not tell what it must
 */
export function draftManifest({ called, dtype, config, graph, licence }: ModelFacts): Manifest {
  return {
    format: tagOf('file', 'model'),
    id: idOf(called),
    name: nameOf(called),
    task: 'text-generation',
    dtype,
    weights: WEIGHTS_PATHS[dtype],
    contextLength: contextLengthOf(config),
    vocabSize: configNumber(config, ['vocab_size']),
    ...memoryOf(graph),
    ...(licence && { licence }),
    files: [],
  }
}

/** Nothing is made that no reader takes. @throws InfernetError `origin.unsuitable` with the field */
export function finishManifest(draft: Manifest, files: readonly ManifestFile[]): Manifest {
  const parsed = v.safeParse(manifestSchema, { ...draft, files })
  if (parsed.success) return parsed.output
  const field = v.getDotPath(parsed.issues[0]) ?? 'it'
  throw new InfernetError('origin.unsuitable', {
    reason: `no reader would take its manifest, because ${field} is out of bounds`,
  })
}

/** What the lint says of a model, with its numbers read from the configurations. @throws InfernetError as `lintModel` */
export function lintWith(
  { config, generationConfig }: { readonly config: Json; readonly generationConfig: Json },
  input: Pick<LintInput, 'dtype' | 'weights' | 'paths' | 'beside'>,
): readonly Finding[] {
  return lintModel({
    ...input,
    config: { ...config, vocab_size: configNumber(config, ['vocab_size']) },
    eosTokens: eosTokens(generationConfig, config),
    contextLength: contextLengthOf(config),
  })
}

/** Prompt and answer together, as far as the model and the wire carry them. */
export function contextLengthOf(config: Json): number {
  return textLimit({ contextLength: configNumber(config, ['max_position_embeddings', 'n_positions']) })
}

/** A whole number of config.json; of a model that also sees or hears, of the part that writes text. */
export function configNumber(config: Json, names: readonly string[]): number {
  const inner = config['text_config']
  const parts = [config, typeof inner === 'object' && inner !== null ? { ...inner } : {}]
  for (const part of parts)
    for (const name of names) {
      const value: unknown = part[name]
      if (Number.isSafeInteger(value)) return Number(value)
    }
  throw new InfernetError('models.unsupported', { reason: `config.json names no ${names[0] ?? ''}` })
}

/** Left out where the graph does not tell. */
function memoryOf(graph: OnnxGraph): Pick<Manifest, 'memory'> {
  const { largestTensorBytes, cacheBytesPerToken } = graphFacts(graph)
  return cacheBytesPerToken && largestTensorBytes > 0
    ? { memory: { largestTensorBytes, cacheBytesPerToken } }
    : {}
}

/** The name as an id: those of the hub have capitals and underscores. */
function idOf(called: string): string {
  return called
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 63)
}

/** The name that people read, of a repository's last part. */
export function nameOf(called: string): string {
  return called
    .split(/[-_]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ')
    .slice(0, 60)
}
