import { InfernetError } from '../../errors/infernet-error.ts'
import type { OrtSession, OrtValueMetadata } from '../ort-runtime.ts'

/** One tensor of the KV cache: what goes in under `input` comes back longer under `output`. */
export interface PastTensor {
  readonly input: string
  readonly output: string
  readonly type: 'float32' | 'float16'
  readonly heads: number
  readonly headDim: number
}

/** What a text-generation graph wants and gives, told from its inputs and outputs. */
export interface GraphLayout {
  readonly past: readonly PastTensor[]
  /**
   * How it learns the lengths of its rows: `ragged` from `seqlens_k` and `total_sequence_length`, as the loader's
   * rewrite leaves it, with rows that may differ; `mask` from `attention_mask`, for one sequence at a time.
   */
  readonly lengths: 'ragged' | 'mask'
  /** `logit_positions` says which positions get logits. */
  readonly picksPositions: boolean
  readonly wantsPositions: boolean
  /** Newer exports take how many of the last positions get logits; we ask for one, which saves the most of prefill. */
  readonly wantsLogitCount: boolean
  readonly logitsType: 'float32' | 'float16'
}

const PAST = /^past_key_values\.(\d+)\.(key|value)$/
const MAX_HEADS = 1024
const MAX_HEAD_DIM = 4096

/**
 * Reads the layout of an `onnx-community` text-generation export: `input_ids`, `attention_mask`, perhaps
 * `position_ids` and `num_logits_to_keep`, or the inputs that `prepareGraph` puts in their place, and `past_key_values.{i}.{key,value}` of [batch, heads, past, headDim];
 * out come `logits` and `present.{i}.{key,value}`. Sizes come from the graph, or from `config` where it is symbolic.
 *
 * @throws InfernetError `models.unsupported` with the reason when the graph is of another kind
 */
export function readGraphLayout(
  session: Pick<OrtSession, 'inputMetadata' | 'outputMetadata'>,
  config: Readonly<Record<string, unknown>>,
): GraphLayout {
  const inputs = new Map(session.inputMetadata.map((value) => [value.name, value]))
  const outputs = new Map(session.outputMetadata.map((value) => [value.name, value]))
  const lengths = inputs.has('seqlens_k') ? 'ragged' : 'mask'
  for (const [name, type] of LENGTH_INPUTS[lengths]) {
    const input = inputs.get(name)
    if (!input?.isTensor || input.type !== type) throw unsupported(`no ${type} input ${name}`)
  }
  const logits = outputs.get('logits')
  if (!logits) throw unsupported('no output logits')
  for (const name of inputs.keys())
    if (!PAST.test(name) && !KNOWN_INPUTS.has(name)) throw unsupported(`unknown input ${name.slice(0, 40)}`)
  return {
    past: readPastTensors(session, config),
    lengths,
    picksPositions: inputs.has('logit_positions'),
    wantsPositions: inputs.has('position_ids'),
    wantsLogitCount: inputs.has('num_logits_to_keep'),
    logitsType: floatType(logits),
  }
}

/**
 * The KV cache tensors of a text-generation graph.
 *
 * @throws InfernetError `models.unsupported` with the reason when there are none or their sizes are unknown
 */
export function readPastTensors(
  session: Pick<OrtSession, 'inputMetadata' | 'outputMetadata'>,
  config: Readonly<Record<string, unknown>>,
): readonly PastTensor[] {
  const outputs = new Map(session.outputMetadata.map((value) => [value.name, value]))
  const past = session.inputMetadata
    .filter(({ name }) => PAST.test(name))
    .map((input) => readPast(input, outputs, config))
  if (past.length === 0) throw unsupported('no KV cache')
  return past
}

const LENGTH_INPUTS = {
  mask: [
    ['input_ids', 'int64'],
    ['attention_mask', 'int64'],
  ],
  ragged: [
    ['input_ids', 'int64'],
    ['seqlens_k', 'int32'],
    ['total_sequence_length', 'int32'],
  ],
} as const

const KNOWN_INPUTS = new Set([
  'input_ids',
  'attention_mask',
  'position_ids',
  'num_logits_to_keep',
  'seqlens_k',
  'total_sequence_length',
  'logit_positions',
])

function readPast(
  input: OrtValueMetadata,
  outputs: ReadonlyMap<string, OrtValueMetadata>,
  config: Readonly<Record<string, unknown>>,
): PastTensor {
  const output = input.name.replace('past_key_values', 'present')
  if (!outputs.has(output)) throw unsupported(`no output ${output}`)
  const shapes = [input, outputs.get(output)].map((value) => (value?.isTensor ? value.shape : []))
  const [attentionHeads, hidden] = [HEADS, HIDDEN].map((names) => named(config, names))
  const perHead = attentionHeads && hidden ? hidden / attentionHeads : undefined
  return {
    input: input.name,
    output,
    type: floatType(input),
    heads: sizeOf(
      KV_HEADS,
      MAX_HEADS,
      ...shapes.map((shape) => shape[1]),
      named(config, KV_HEADS),
      attentionHeads,
    ),
    headDim: sizeOf(
      HEAD_DIM,
      MAX_HEAD_DIM,
      ...shapes.map((shape) => shape[3]),
      named(config, HEAD_DIM),
      perHead,
    ),
  }
}

/** What the sizes are called in the configurations of the families; the first name is what is missed by. */
const KV_HEADS = ['num_key_value_heads', 'num_kv_heads', 'n_head_kv', 'multi_query_group_num']
const HEAD_DIM = ['head_dim', 'kv_channels', 'd_kv']
const HEADS = ['num_attention_heads', 'n_head', 'num_heads', 'n_heads']
const HIDDEN = ['hidden_size', 'n_embd', 'd_model']

/** The first of the names with a number, also where a model that sees keeps what it speaks with apart. */
function named(config: Readonly<Record<string, unknown>>, names: readonly string[]): number | undefined {
  const text = config['text_config']
  const places = [config, typeof text === 'object' && text !== null ? (text as typeof config) : {}]
  return places
    .flatMap((place) => names.map((name) => place[name]))
    .find((value): value is number => typeof value === 'number')
}

/** The first of the candidates that is a number. */
function sizeOf(names: readonly string[], max: number, ...candidates: readonly unknown[]): number {
  const size = candidates.find((candidate) => typeof candidate === 'number')
  if (size === undefined || !Number.isInteger(size) || size < 1 || size > max)
    throw unsupported(`the size of its KV cache is unknown, and config.json says no good ${names[0]}`)
  return size
}

function floatType(value: OrtValueMetadata): 'float32' | 'float16' {
  if (value.isTensor && (value.type === 'float32' || value.type === 'float16')) return value.type
  throw unsupported(`${value.name.slice(0, 40)} is no float`)
}

function unsupported(reason: string): InfernetError {
  return new InfernetError('models.unsupported', { reason })
}
