import { READ_CHUNK_TOKENS, MAX_VECTOR_BYTES } from './constants.ts'

/** Bytes of a number of a vector: 32 bits, little-endian. */
const NUMBER_BYTES = 4

/** The texts under one signature. */
export interface Block {
  /** Place in the question of the first one. */
  readonly position: number
  readonly texts: readonly (readonly number[])[]
}

/**
 * How the texts of a question are cut into blocks: as many as come to {@link READ_CHUNK_TOKENS} tokens and to
 * {@link MAX_VECTOR_BYTES} bytes of vectors, and one at least. Both sides cut alike, so a block needs no words.
 */
export function blocksOf(texts: readonly (readonly number[])[], dimensions: number): readonly Block[] {
  const most = Math.max(1, Math.floor(MAX_VECTOR_BYTES / (dimensions * NUMBER_BYTES)))
  const blocks: { position: number; texts: (readonly number[])[] }[] = []
  let tokens = 0
  texts.forEach((text, position) => {
    const last = blocks.at(-1)
    tokens += text.length
    if (last && tokens <= READ_CHUNK_TOKENS && last.texts.length < most) return last.texts.push(text)
    tokens = text.length
    return blocks.push({ position, texts: [text] })
  })
  return blocks
}

/** Vectors as they travel and are hashed: 32-bit numbers, little-endian, one vector after the other. */
export function encodeVectors(numbers: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.length * NUMBER_BYTES)
  const view = new DataView(bytes.buffer)
  numbers.forEach((number, i) => view.setFloat32(i * NUMBER_BYTES, number, true))
  return bytes
}

/** The vectors in some bytes; undefined where they are not `count` of them, or hold what is no finite number. */
export function decodeVectors(
  bytes: Uint8Array,
  { count, dimensions }: { count: number; dimensions: number },
): readonly Float32Array[] | undefined {
  if (bytes.length !== count * dimensions * NUMBER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const vectors = Array.from({ length: count }, (_, row) =>
    Float32Array.from({ length: dimensions }, (_, i) =>
      view.getFloat32((row * dimensions + i) * NUMBER_BYTES, true),
    ),
  )
  return vectors.every((vector) => vector.every(Number.isFinite)) ? vectors : undefined
}
