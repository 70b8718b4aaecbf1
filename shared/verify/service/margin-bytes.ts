const BYTES = 8

/** Margins as they travel: 64-bit numbers, little-endian; what the filters rule out is infinite. */
export function marginBytes(margins: readonly number[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(margins.length * BYTES))
  for (const [i, margin] of margins.entries()) view.setFloat64(i * BYTES, margin, true)
  return new Uint8Array(view.buffer)
}

/** The inverse of {@link marginBytes}; undefined for what no check can find: a number below zero, or none. */
export function marginsFrom(bytes: Uint8Array): readonly number[] | undefined {
  if (bytes.length % BYTES !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const margins = Array.from({ length: bytes.length / BYTES }, (_, i) => view.getFloat64(i * BYTES, true))
  return margins.every((margin) => margin >= 0) ? margins : undefined
}
