import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from '../../../base/bytes.ts'

/** Choices that a seed decides: the same again on every machine, and without it nobody foresees them. */
export class SeededChoice {
  readonly #seed: Uint8Array
  #block = new Uint8Array()
  #at = 0
  #blocks = 0

  /** @param seed any bytes; 16 random ones or more where nobody should foresee what is chosen */
  constructor(seed: Uint8Array) {
    this.#seed = seed
  }

  /** A number in [0, 1). */
  fraction(): number {
    if (this.#at + 4 > this.#block.length) {
      this.#block = new Uint8Array(sha256(concatBytes(this.#seed, utf8(`/${this.#blocks++}`))))
      this.#at = 0
    }
    const view = new DataView(this.#block.buffer, this.#at, 4)
    this.#at += 4
    return view.getUint32(0) / 2 ** 32
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  /** True as often as that. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)]
    if (found === undefined) throw new RangeError('nothing to choose from')
    return found
  }

  /** Several different ones, in any order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = [...list]
    return Array.from({ length: Math.min(count, left.length) }, () =>
      left.splice(this.below(left.length), 1),
    ).flat()
  }
}
