import { InfernetError } from '../errors/infernet-error.ts'
import { RULES, type Finding, type LintSubject, type Rule } from './lint-model.ts'
import type { Dtype } from './manifest.ts'
import { graphFacts } from './onnx/graph-facts.ts'
import { modelType, type OnnxGraph, type ValueInfo } from './onnx/onnx-messages.ts'

/** A name for what is wrong with an encoder; publishers' scripts may match on it. */
export type EncoderRule = Rule | keyof typeof ENCODER_RULES

export interface EncoderFinding extends Omit<Finding, 'rule'> {
  readonly rule: EncoderRule
}

export interface EncoderLintInput {
  readonly dtype: Dtype
  /** The graph's file. */
  readonly weights: Uint8Array<ArrayBuffer>
  /** Paths of all files of the model. */
  readonly paths: readonly string[]
  /** config.json, parsed. */
  readonly config: Readonly<Record<string, unknown>>
  /** The longest text, in tokens. */
  readonly contextLength: number
  /** Numbers of a vector, as its manifest is to say. */
  readonly dimensions: number
}

/** What an encoder must not have either, whatever it writes. */
const COMMON = [
  'accuracy-level',
  'unknown-domain',
  'local-functions',
  'random-operator',
  'weight-precision',
  'missing-file',
  'gpu-only',
  'large-tensor',
] as const satisfies readonly Rule[]

/**
 * Looks for what would make an encoder's vectors uncheckable or wrong, or keep it from being run at all.
 *
 * @throws InfernetError `models.corrupt` or `models.unsupported` when the file cannot be read at all
 *
 * @example
 * const refusals = lintEncoder(input).filter(({ level }) => level === 'refuse')
 */
export function lintEncoder(input: EncoderLintInput): readonly EncoderFinding[] {
  const model = modelType.decode(input.weights)
  const { graph } = model
  if (!graph) throw new InfernetError('models.corrupt')
  // It is run as it is: nothing of it is rewritten.
  const prepared: LintSubject['prepared'] = {
    ...{ bytes: input.weights, externalData: [], lengths: 'ragged', picksPositions: true, notes: [] },
    facts: graphFacts(graph),
  }
  const subject: LintSubject = { ...input, eosTokens: new Set(), model, graph, prepared }
  const common = COMMON.flatMap((rule) => {
    const { level, check } = RULES[rule]
    const says = check(subject)
    return says === undefined ? [] : [{ rule, level, says }]
  })
  const own = (Object.entries(ENCODER_RULES) as [keyof typeof ENCODER_RULES, OwnCheck][]).flatMap(
    ([rule, check]) => {
      const says = check(input, graph)
      return says === undefined ? [] : [{ rule, level: 'refuse' as const, says }]
    },
  )
  return [...common, ...own]
}

/** A sentence when something is wrong. */
type OwnCheck = (input: EncoderLintInput, graph: OnnxGraph) => string | undefined

const VECTOR = 'sentence_embedding'
const INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids'])

const ENCODER_RULES = {
  'no-vector': (_, { outputs }) =>
    outputs.some(({ name }) => name === VECTOR)
      ? undefined
      : `No output is called ${VECTOR}: which numbers are a text's vector is not said. Export with its pooling.`,
  'vector-size': ({ dimensions }, { outputs }) => {
    const size = lastDim(outputs.find(({ name }) => name === VECTOR))
    return size === undefined || size === dimensions
      ? undefined
      : `The vectors have ${size} numbers, not ${dimensions}.`
  },
  'strange-input': (_, { inputs, initializers }) => {
    const constants = new Set(initializers.map(({ name }) => name))
    const strange = inputs.find(({ name = '' }) => !INPUTS.has(name) && !constants.has(name))
    return (
      strange && `Nobody feeds the input ${strange.name ?? ''}: an encoder gets ${[...INPUTS].join(', ')}.`
    )
  },
  'no-mask': (_, { inputs }) =>
    inputs.some(({ name }) => name === 'attention_mask')
      ? undefined
      : 'There is no input attention_mask: a text would get another vector beside a longer one.',
  vocabulary: ({ config }, { nodes, initializers }) => {
    const size = Number(config['vocab_size'])
    const tables = nodes
      .filter(({ operator, inputs }) => operator === 'Gather' && inputs[1] === 'input_ids')
      .map(({ inputs }) => initializers.find(({ name }) => name === inputs[0]))
    const short = tables.find((table) => table && Number(table.dims[0] ?? 0n) < size)
    if (!(size > 1)) return 'config.json names no vocab_size.'
    return short && `config.json says ${size} tokens, there are embeddings of ${Number(short.dims[0])}.`
  },
} as const satisfies Record<string, OwnCheck>

/** Undefined where the shape is not said, or by a name. */
function lastDim(output: ValueInfo | undefined): number | undefined {
  const value = output?.type?.tensor?.shape?.dims.at(-1)?.value
  return value === undefined ? undefined : Number(value)
}
