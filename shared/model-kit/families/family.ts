/** The measures and the peculiarities of one model family, small enough to be made in a test. */
export interface Family {
  /** Short, as in a folder's name. */
  readonly id: string
  readonly hidden: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly inner: number
  readonly layers: number
  readonly vocab: number
  /** `max_position_embeddings`. */
  readonly contextLength: number
  readonly theta: number
  /** Part of each head that is turned; 1 is all of it. */
  readonly rotaryPart?: number
  /** Rope caches that are switched by length: up to `below` tokens the short one. */
  readonly longRope?: { readonly below: number; readonly shortFactor: number; readonly longFactor: number }
  /** Rotary embeddings as nodes of their own with `position_ids` as an input, instead of inside the attention. */
  readonly rotaryNodes?: boolean
  /** Query, key and value by one product. */
  readonly packed: boolean
  readonly qkvBias?: boolean
  /** Norms of each query and key head. */
  readonly qkNorm?: boolean
  /** Gemma: norms before and after attention and MLP, in 32 bits, GELU, a scaled embedding. */
  readonly gemma?: boolean
  /** Layers that see the last `size` tokens only, all but every `every`-th; they turn by `theta`. */
  readonly window?: { readonly size: number; readonly every: number; readonly theta: number }
  /** The embedding is the head's matrix (fp32 and fp16; in 4 bits both are there). */
  readonly tied: boolean
  /** Logits as 32-bit floats whatever the activations are. */
  readonly floatLogits?: boolean
  readonly logitCap?: number
  /** Files beside the model that hold its tensors. */
  readonly dataFiles?: number
}
