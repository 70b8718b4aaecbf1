const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** A number as IEEE 754 binary16, by way of 32 bits, nearest-even; beyond 65504 it is infinite. */
export function floatToHalf(value: number): number {
  float[0] = value
  const word = bits[0] ?? 0
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // 65520 is half way to the number after the largest, and ties go to even, which is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(float[0]) * 2 ** 24)
  // The exponents' biases differ by 112; what is shifted out is rounded.
  const shifted = magnitude - (112 << 23)
  return sign | ((shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13)
}

/** IEEE 754 binary16 to a number. */
export function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  const sign = half & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function roundToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0)
}
