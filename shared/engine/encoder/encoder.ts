/** Most tokens of one step, padding counted: on one core a step of so many takes half a second, and a cancel waits for it. */
export const STEP_TOKENS = 1024

/** Most texts of one step: the vectors of as many leave it at once. */
export const STEP_TEXTS = 64

/**
 * A loaded encoder. One call at a time: the batcher above it takes turns.
 *
 * Errors: what ORT throws, unnamed; `engine.bad-logits` when a vector has another size than the manifest says, or a number
 * that is none.
 */
export interface Encoder {
  /** Numbers of a vector. */
  readonly dimensions: number
  /** Vectors of up to {@link STEP_TEXTS} texts, one after the other. */
  run(texts: readonly (readonly number[])[]): Promise<Float32Array>
  close(): Promise<void>
}
