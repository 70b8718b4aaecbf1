import { hashInto } from '../../base/hash-often.ts'
import { floatToHalf } from './half.ts'
import { tagOf } from '../../wire/versions.ts'

/**
 * Logits in a sketch. In a simulation (docs/design-notes.md) the sketch of one token tells another quantisation from the
 * true one, and those of 32 tell an 8-bit cache.
 */
export const SKETCH_SIZE = 16

const LABEL = new TextEncoder().encode(tagOf('hashed', 'sketch'))
const WORDS_PER_HASH = 8

/** Which logits make the sketch of a position: sixteen token ids, one of which may come twice. */
export interface SketchPlaces {
  at(position: number): Uint32Array
}

/** Sketches the positions of one answer. */
export interface Sketcher extends SketchPlaces {
  /** The {@link sketchOf} of a position. @param logits the whole vocabulary */
  sketch(logits: Float32Array, position: number): Uint16Array
}

/**
 * The token ids whose logits make the sketch of a position are the sixteen 32-bit little-endian words of
 * SHA-256(label ‖ seed ‖ position ‖ 0) and SHA-256(label ‖ seed ‖ position ‖ 1), each modulo the vocabulary; the label
 * is "infernet/sketch/1", position and number are 32-bit little-endian words. An id may come twice.
 *
 * They follow from a seed that the provider knows, which gives nothing away: to say their logits it must run the model.
 *
 * @param seed the sampler's, empty for a greedy answer without one
 */
export function createSketcher(seed: Uint8Array, vocabSize: number): Sketcher {
  const message = new Uint8Array(LABEL.length + seed.length + 8)
  message.set(LABEL)
  message.set(seed, LABEL.length)
  const tail = new DataView(message.buffer, LABEL.length + seed.length)
  const hash = new Uint8Array(4 * WORDS_PER_HASH)
  const words = new DataView(hash.buffer)
  function at(position: number): Uint32Array {
    const ids = new Uint32Array(SKETCH_SIZE)
    tail.setUint32(0, position, true)
    for (let number = 0; number * WORDS_PER_HASH < SKETCH_SIZE; number++) {
      tail.setUint32(4, number, true)
      hashInto(message, hash)
      for (let i = 0; i < WORDS_PER_HASH; i++)
        ids[number * WORDS_PER_HASH + i] = words.getUint32(4 * i, true) % vocabSize
    }
    return ids
  }
  return {
    at,
    sketch(logits, position) {
      const ids = at(position)
      const values = new Float32Array(SKETCH_SIZE)
      for (let i = 0; i < SKETCH_SIZE; i++) values[i] = logits[ids[i] ?? 0] ?? 0
      return sketchOf(values)
    },
  }
}

/**
 * The sketch of one position: the logits at its places minus their mean (in 64 bits, summed in order), each
 * as an IEEE 754 half, nearest-even. One of -Infinity stays so, and does not count for the mean. The mean goes because a
 * softmax does not see it. 32 bytes a token.
 *
 * They are the graph's own logits, before penalties, masks and filters.
 */
export function sketchOf(values: Float32Array): Uint16Array {
  let sum = 0
  let count = 0
  for (const value of values) {
    if (!(value > -Infinity)) continue
    sum += value
    count++
  }
  const mean = sum / Math.max(1, count)
  const sketch = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) sketch[i] = floatToHalf((values[i] ?? 0) - mean)
  return sketch
}
