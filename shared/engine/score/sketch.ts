import { sha256 } from '@noble/hashes/sha2.js'
import { floatToHalf } from './half.ts'
import { tagOf } from '../../wire/versions.ts'

/**
 * Logits in a sketch. In a simulation (docs/design-notes.md) the sketch of one token tells another quantisation from the
 * true one, and those of 32 tell an 8-bit cache.
 *
 * @internal
 */
export const SKETCH_SIZE = 16

const LABEL = new TextEncoder().encode(tagOf('hashed', 'sketch'))
const WORDS_PER_HASH = 8

/**
 * The token ids whose logits make the sketch of a position: the sixteen 32-bit little-endian words of
 * SHA-256(label ‖ seed ‖ position ‖ 0) and SHA-256(label ‖ seed ‖ position ‖ 1), each modulo the vocabulary; the label
 * is "infernet/sketch/1", position and number are 32-bit little-endian words. An id may come twice.
 *
 * They follow from a seed that the provider knows, which gives nothing away: to say their logits it must run the model.
 */
function sketchTokens(seed: Uint8Array, position: number, vocabSize: number): number[] {
  const bytes = new Uint8Array(LABEL.length + seed.length + 8)
  bytes.set(LABEL)
  bytes.set(seed, LABEL.length)
  const tail = new DataView(bytes.buffer, LABEL.length + seed.length)
  tail.setUint32(0, position, true)
  const ids: number[] = []
  for (let number = 0; number * WORDS_PER_HASH < SKETCH_SIZE; number++) {
    tail.setUint32(4, number, true)
    const words = new DataView(sha256(bytes).buffer)
    for (let i = 0; i < WORDS_PER_HASH; i++) ids.push(words.getUint32(4 * i, true) % vocabSize)
  }
  return ids
}

/** Which logits make the sketch of a position: sixteen token ids, one of which may come twice. */
export interface SketchPlaces {
  at(position: number): Uint32Array
}

/** Sketches the positions of one answer. */
export interface Sketcher extends SketchPlaces {
  /** The {@link sketchOf} of a position. @param logits the whole vocabulary */
  sketch(logits: Float32Array, position: number): Uint16Array
}

/** @param seed the sampler's, empty for a greedy answer without one */
export function createSketcher(seed: Uint8Array, vocabSize: number): Sketcher {
  const at = (position: number): Uint32Array => Uint32Array.from(sketchTokens(seed, position, vocabSize))
  return {
    at,
    sketch: (logits, position) => sketchOf(Array.from(at(position), (id) => logits[id] ?? 0)),
  }
}

/**
 * The sketch of one position: the logits at {@link sketchTokens} minus their mean (in 64 bits, summed in order), each
 * as an IEEE 754 half, nearest-even. One of -Infinity stays so, and does not count for the mean. The mean goes because a
 * softmax does not see it. 32 bytes a token.
 *
 * They are the graph's own logits, before penalties, masks and filters.
 */
export function sketchOf(values: readonly number[]): Uint16Array {
  const finite = values.filter((value) => value > -Infinity)
  const mean = finite.reduce((sum, value) => sum + value, 0) / Math.max(1, finite.length)
  return Uint16Array.from(values, (value) => floatToHalf(value - mean))
}
