/** The ids of the bits that are set, bit `v & 31` of word `v >> 5` for id v; undefined when they are more than `most`. */
export function idsOf(mask: Uint32Array, count: number, most: number): Uint32Array | undefined {
  const ids = new Uint32Array(most)
  let length = 0
  for (let i = 0; i << 5 < count; i++) {
    for (let bits = wordOf(mask, i, count); bits !== 0; bits &= bits - 1) {
      if (length === most) return undefined
      ids[length++] = (i << 5) + (31 - Math.clz32(bits & -bits))
    }
  }
  return ids.subarray(0, length)
}

/** Sets the logit of each id whose bit is not set to -Infinity. */
export function forbid(mask: Uint32Array, logits: Float32Array): void {
  const count = logits.length
  for (let i = 0; i << 5 < count; i++) {
    const bits = wordOf(mask, i, count)
    const first = i << 5
    if (bits === -1) continue
    if (bits === 0) logits.fill(-Infinity, first, first + 32)
    else
      for (let v = first; v < Math.min(first + 32, count); v++)
        if (((bits >>> (v & 31)) & 1) === 0) logits[v] = -Infinity
  }
}

/** A word without the bits from `count` on. */
function wordOf(mask: Uint32Array, i: number, count: number): number {
  const bits = (mask[i] ?? 0) | 0
  return (i + 1) << 5 <= count ? bits : bits & ((1 << (count & 31)) - 1)
}
