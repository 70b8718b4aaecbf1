/**
 * Which pieces of a file are here: one bit a piece, the first piece in the highest bit of the first byte, bits beyond
 * the last piece 0. The same bytes stand on disk and travel to peers.
 */
export class PieceMap {
  readonly pieces: number
  readonly #bits: Uint8Array<ArrayBuffer>
  #count = 0

  constructor(pieces: number) {
    this.pieces = pieces
    this.#bits = new Uint8Array(Math.ceil(pieces / 8))
  }

  /** Undefined when the bytes are not those of a map of so many pieces. */
  static from(bytes: Uint8Array, pieces: number): PieceMap | undefined {
    if (bytes.length !== Math.ceil(pieces / 8)) return undefined
    const map = new PieceMap(pieces)
    for (let piece = 0; piece < bytes.length * 8; piece++) {
      if (!(((bytes[piece >> 3] ?? 0) >> (7 - (piece & 7))) & 1)) continue
      if (piece >= pieces) return undefined
      map.add(piece)
    }
    return map
  }

  /** How many are here. */
  get count(): number {
    return this.#count
  }

  get isComplete(): boolean {
    return this.#count === this.pieces
  }

  has(piece: number): boolean {
    return (((this.#bits[piece >> 3] ?? 0) >> (7 - (piece & 7))) & 1) === 1
  }

  add(piece: number): void {
    if (piece < 0 || piece >= this.pieces || this.has(piece)) return
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) | (1 << (7 - (piece & 7)))
    this.#count++
  }

  remove(piece: number): void {
    if (!this.has(piece)) return
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) & ~(1 << (7 - (piece & 7)))
    this.#count--
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bits.slice()
  }
}
