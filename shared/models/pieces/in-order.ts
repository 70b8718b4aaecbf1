import { PIECE_BYTES } from '../manifest.ts'

/** Cuts what comes in order from an offset into whole pieces; what comes before a piece's border is left out. */
export class InOrder {
  /** Where the bytes that came end. */
  end: number
  #bytes: Uint8Array<ArrayBuffer> | undefined

  constructor(offset: number) {
    this.end = offset
  }

  /** The pieces that are whole with it. What lies beyond the file's end is dropped. */
  *add(
    chunk: Uint8Array,
    size: number,
  ): Generator<{ readonly piece: number; readonly bytes: Uint8Array<ArrayBuffer> }, void, void> {
    let rest = chunk.subarray(0, Math.max(0, size - this.end))
    while (rest.length > 0) {
      const piece = Math.floor(this.end / PIECE_BYTES)
      const from = piece * PIECE_BYTES
      const length = Math.min(PIECE_BYTES, size - from)
      if (this.end === from) this.#bytes = new Uint8Array(length)
      const part = rest.subarray(0, from + length - this.end)
      this.#bytes?.set(part, this.end - from)
      this.end += part.length
      rest = rest.subarray(part.length)
      if (this.end < from + length || !this.#bytes) continue
      const bytes = this.#bytes
      this.#bytes = undefined
      yield { piece, bytes }
    }
  }
}
