import { InfernetError } from '../../errors/infernet-error.ts'
import { KIB } from '../../base/units.ts'
import { withoutDeadParts } from './edit-graph.ts'
import {
  WEIGHTS_FILE,
  withExternalWeights,
  withPlainNames,
  withSmallTensorsInside,
  type ExternalFile,
} from './external-weights.ts'
import { graphFacts, type GraphFacts } from './graph-facts.ts'
import { modelType, type OnnxGraph } from './onnx-messages.ts'
import { pickPositions } from './pick-positions.ts'
import { raggedLengths, type Rewrite } from './ragged-lengths.ts'
import { fixRopeCaches } from './rope-caches.ts'

export interface PrepareOptions {
  /**
   * Makes `total_sequence_length` a constant of this many tokens (the capacity of a KV cache of fixed size) instead of
   * an input: what graph capture needs, because GroupQueryAttention reads it on the CPU.
   */
  readonly fixedCapacity?: number | undefined
  /** No text will become longer than this, in tokens: exports that switch rope caches by length need no switch then. */
  readonly maxLength?: number | undefined
  /** The model's own external data files; needed where they hold the numbers that a rewrite reads. @default none */
  readonly beside?: readonly ExternalFile[] | undefined
  /** Initializers of at least this many bytes leave the file as views. @default 64 KiB */
  readonly externalBytes?: number | undefined
}

export interface PreparedGraph {
  /** The rewritten model file, without the tensors of `externalData`. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where the large initializers lie: the file that came in, as it is. For ORT's `externalData`. */
  readonly externalData: readonly ExternalFile[]
  /**
   * How the graph learns the lengths of its rows.
   *
   * `ragged`: inputs `seqlens_k` int32[batch] (all tokens of each row after this call, minus 1) and
   * `total_sequence_length` int32[] (the longest row after this call; no input with `fixedCapacity`). There is no
   * `attention_mask`. What a row's cache holds behind its length is never read.
   *
   * `mask`: the graph has its `attention_mask` still; one sequence at a time.
   */
  readonly lengths: 'ragged' | 'mask'
  /** True: input `logit_positions` int64[k] picks positions along the sequence; `logits` are [batch, k, vocab]. */
  readonly picksPositions: boolean
  /** Of the file as it came. */
  readonly facts: GraphFacts
  /** Why something was left as it was, in plain words; empty when all was done. */
  readonly notes: readonly string[]
}

/**
 * Rewrites a text-generation graph at load so that rows of different lengths can share a step and only the wanted
 * positions get logits. Inputs that nothing reads (often `position_ids`) are gone after it.
 *
 * @throws InfernetError `models.corrupt` when the file is no ONNX model, `models.unsupported` when it is too large
 *
 * @example
 * const { bytes, externalData } = prepareGraph(await files.read(manifest.weights))
 * const session = await ort.InferenceSession.create(bytes, { externalData: [...externalData] })
 */
export function prepareGraph(
  weights: Uint8Array<ArrayBuffer>,
  { fixedCapacity, maxLength, beside = [], externalBytes = 64 * KIB }: PrepareOptions = {},
): PreparedGraph {
  const model = modelType.decode(weights)
  if (!model.graph) throw new InfernetError('models.corrupt')
  if (model.graph.nodes.length > MAX_NODES)
    throw new InfernetError('models.unsupported', { reason: `more than ${MAX_NODES} operators` })
  const notes: string[] = []
  const facts = graphFacts(model.graph)

  const take = (before: OnnxGraph, rewrite: Rewrite, what: string): OnnxGraph => {
    if ('graph' in rewrite) return rewrite.graph
    notes.push(`${what}: ${rewrite.reason}`)
    return before
  }
  const fixed = fixRopeCaches(withSmallTensorsInside(withPlainNames(model.graph), beside), maxLength)
  const ragged = take(fixed, raggedLengths(fixed, fixedCapacity), 'one row at a time')
  const picking = take(ragged, pickPositions(ragged), 'logits of all positions')
  const lengths = ragged === fixed ? 'mask' : 'ragged'
  const lean = withoutDeadParts(picking, lengths === 'mask' ? ['attention_mask'] : [])
  const graph = withExternalWeights(lean, weights, externalBytes)
  return {
    bytes: modelType.encode({ ...model, graph }),
    externalData: [{ path: WEIGHTS_FILE, data: weights }],
    lengths,
    picksPositions: picking !== ragged,
    facts,
    notes,
  }
}

/** The largest exports have some 10,000. */
const MAX_NODES = 100_000
