import { MIB } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Dtype } from './manifest.ts'
import type { ExternalFile } from './onnx/external-weights.ts'
import { modelType, type OnnxGraph, type OnnxModel } from './onnx/onnx-messages.ts'
import { prepareGraph, type PreparedGraph } from './onnx/prepare-graph.ts'
import { DATA_TYPE, integerAttribute, operatorName } from './onnx/tensor-values.ts'

/**
 * Why a model may not be published, or what its publisher should know. `refuse`: its answers could not be checked by
 * another peer, or would not come. `warn`: it works, for fewer or more slowly.
 */
export interface Finding {
  readonly rule: Rule
  readonly level: 'refuse' | 'warn'
  /** One or two sentences: what is, and why it matters. */
  readonly says: string
}

export interface LintInput {
  readonly dtype: Dtype
  /** The graph's file. */
  readonly weights: Uint8Array<ArrayBuffer>
  /** Paths of all files of the model. */
  readonly paths: readonly string[]
  /** The external data files. @default none */
  readonly beside?: readonly ExternalFile[] | undefined
  /** config.json, parsed. */
  readonly config: Readonly<Record<string, unknown>>
  /** The tokens that end an answer. */
  readonly eosTokens: ReadonlySet<number>
  /** Prompt and answer together, in tokens. */
  readonly contextLength: number
}

/**
 * Looks for what would make a model's answers uncheckable, wrong or endless.
 *
 * @throws InfernetError `models.corrupt` or `models.unsupported` when the file cannot be read at all
 *
 * @example
 * const refusals = lintModel(input).filter(({ level }) => level === 'refuse')
 */
export function lintModel(input: LintInput): readonly Finding[] {
  const model = modelType.decode(input.weights)
  if (!model.graph) throw new InfernetError('models.corrupt')
  const subject: LintSubject = {
    ...input,
    model,
    graph: model.graph,
    prepared: prepareGraph(input.weights, { maxLength: input.contextLength, beside: input.beside }),
  }
  return (Object.entries(RULES) as [Rule, Check][]).flatMap(([rule, { level, check }]) => {
    const says = check(subject)
    return says === undefined ? [] : [{ rule, level, says }]
  })
}

/** What a rule looks at. */
export interface LintSubject extends LintInput {
  readonly model: OnnxModel
  readonly graph: OnnxGraph
  readonly prepared: PreparedGraph
}

interface Check {
  readonly level: Finding['level']
  /** A sentence when something is wrong. */
  readonly check: (subject: LintSubject) => string | undefined
}

const when = (wrong: boolean, says: string): string | undefined => (wrong ? says : undefined)

/** The rules of models that write; some hold for encoders as well (`lint-encoder.ts`). */
export const RULES = {
  'accuracy-level': {
    level: 'refuse',
    check: ({ prepared: { facts } }) =>
      when(
        facts.accuracyLevel === 4,
        'A MatMulNBits has accuracy_level 4: activations are rounded to 8 bits, by each backend in its own way, so two honest peers get different answers and neither can check the other. Export with accuracy_level 0.',
      ),
  },
  'unknown-domain': {
    level: 'refuse',
    check: ({ graph }) => {
      const strange = graph.nodes.find(({ domain = '' }) => !KNOWN_DOMAINS.has(domain))
      return when(
        strange !== undefined,
        `The operator ${strange ? operatorName(strange) : ''} is of a domain that ONNX Runtime's web builds do not have.`,
      )
    },
  },
  'local-functions': {
    level: 'refuse',
    check: ({ model }) =>
      when(
        model.functions.length > 0,
        'The model brings functions of its own, which nothing here looks into.',
      ),
  },
  'random-operator': {
    level: 'refuse',
    check: ({ graph }) => {
      const random = graph.nodes.find((node) => RANDOM.has(operatorName(node)))
      return when(
        random !== undefined,
        `${random ? operatorName(random) : ''} draws random numbers inside the graph: no two runs agree.`,
      )
    },
  },
  'cache-precision': {
    level: 'refuse',
    check: ({ graph, dtype }) => {
      const wanted = dtype === 'fp32' || dtype === 'q4' ? DATA_TYPE.float : DATA_TYPE.float16
      const other = graph.inputs.find(
        ({ name = '', type }) => name.startsWith(PAST) && type?.tensor?.elementType !== wanted,
      )
      return when(
        other !== undefined,
        `${other?.name} is not of the precision that "${dtype}" names: peers that believe the name reserve the wrong memory.`,
      )
    },
  },
  'weight-precision': {
    level: 'refuse',
    check: ({ dtype, prepared: { facts } }) => {
      const isQuantized = facts.operators.has('com.microsoft:MatMulNBits')
      const shouldBe = dtype === 'q4' || dtype === 'q4f16'
      return when(
        isQuantized !== shouldBe,
        `The weights are ${isQuantized ? '' : 'not '}quantized, which is not what "${dtype}" names.`,
      )
    },
  },
  'no-logits': {
    level: 'refuse',
    check: ({ graph }) =>
      when(!graph.outputs.some(({ name }) => name === 'logits'), 'No output is called logits.'),
  },
  vocabulary: {
    level: 'refuse',
    check: ({ graph, config }) => {
      const logits = graph.outputs.find(({ name }) => name === 'logits')
      const width = Number(logits?.type?.tensor?.shape?.dims.at(-1)?.value ?? NaN)
      const size = Number(config['vocab_size'])
      return when(
        width < size || !(size > 1),
        `config.json says ${size} tokens, the logits are for ${width}.`,
      )
    },
  },
  'no-cache': {
    level: 'refuse',
    check: ({ graph }) =>
      when(
        !graph.inputs.some(({ name = '' }) => name.startsWith(PAST)),
        'There are no inputs past_key_values.*: each token would read the whole text again.',
      ),
  },
  'missing-file': {
    level: 'refuse',
    check: ({ paths, prepared: { facts } }) => {
      const names = new Set(paths.map((path) => path.split('/').at(-1)))
      const missing = facts.externalFiles.find((file) => !names.has(file))
      return when(missing !== undefined, `Its tensors lie in ${missing}, which is not among the files.`)
    },
  },
  'end-token': {
    level: 'refuse',
    check: ({ eosTokens, config }) => {
      const outside = [...eosTokens].find((token) => token >= Number(config['vocab_size']))
      if (outside !== undefined) return `The end token ${outside} is outside the vocabulary.`
      return when(
        eosTokens.size === 0,
        'No token ends an answer (eos_token_id): each would run to its limit.',
      )
    },
  },
  'rope-table': {
    level: 'refuse',
    check: ({ graph, config }) => {
      // onnxruntime-genai, with graph capture on, writes the short and the long cache into one table.
      const positions = Number(config['max_position_embeddings'])
      const table = graph.initializers.find(
        ({ name = '', dims }) => /cos_cache/.test(name) && Number(dims[0] ?? 0n) > positions,
      )
      return when(
        table !== undefined,
        `The table ${table?.name} has more rows than there are positions: it is two tables in one, which only a provider with a certain option reads rightly.`,
      )
    },
  },
  'context-length': {
    level: 'refuse',
    check: ({ graph, contextLength }) => {
      const tables = graph.nodes.some((node) => RANGED.has(operatorName(node)))
      const rows = graph.initializers
        .filter(({ name = '' }) => /cos_cache/.test(name))
        .map(({ dims }) => Number(dims[0] ?? 0n))
      const shortest = Math.min(...rows)
      return when(
        tables && shortest < contextLength,
        `The context length is ${contextLength}, a rotary table has ${shortest} rows.`,
      )
    },
  },
  'gpu-only': {
    level: 'warn',
    check: ({ prepared: { facts } }) =>
      when(
        facts.operators.has('com.microsoft:GatherBlockQuantized'),
        'GatherBlockQuantized has no kernel on processors: only peers with a GPU can run or check this model.',
      ),
  },
  'one-row': {
    level: 'warn',
    check: ({ prepared: { lengths, notes } }) =>
      when(lengths === 'mask', `Requests cannot share a step (${notes.join('; ')}).`),
  },
  'all-positions': {
    level: 'warn',
    check: ({ prepared: { picksPositions, notes } }) =>
      when(!picksPositions, `Prompts get logits of all positions (${notes.join('; ')}).`),
  },
  'large-tensor': {
    level: 'warn',
    check: ({ prepared: { facts } }) =>
      when(
        facts.largestTensorBytes > EVERY_ADAPTER,
        `Its largest tensor has ${Math.ceil(facts.largestTensorBytes / MIB)} MiB; adapters promise no more than ${EVERY_ADAPTER / MIB} MiB in one binding.`,
      ),
  },
  'window-without-size': {
    level: 'warn',
    check: ({ graph, config }) =>
      when(
        typeof config['sliding_window'] === 'number' &&
          Number(config['sliding_window']) < Number(config['max_position_embeddings']) &&
          config['use_sliding_window'] !== false &&
          !graph.nodes.some((node) => integerAttribute(node, 'local_window_size', -1) > 0),
        'config.json names a sliding window, the graph has none: long texts get other answers than from the original.',
      ),
  },
} as const satisfies Record<string, Check>

/** A name for what is wrong; publishers' scripts may match on it. */
export type Rule = keyof typeof RULES

const PAST = 'past_key_values.'
const KNOWN_DOMAINS = new Set(['', 'ai.onnx', 'com.microsoft'])
const RANDOM = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
])
const RANGED = new Set(['com.microsoft:GroupQueryAttention', 'com.microsoft:RotaryEmbedding'])

/** WebGPU's default `maxStorageBufferBindingSize`. */
const EVERY_ADAPTER = 128 * MIB
