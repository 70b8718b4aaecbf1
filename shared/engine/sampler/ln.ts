import { highWord, withHighWord } from './words.ts'

const LN2_HIGH = 6.9314718036912381649e-1
const LN2_LOW = 1.90821492927058770002e-10
const TWO_54 = 1.8014398509481984e16
const LG1 = 6.66666666666673513e-1
const LG2 = 3.999999999940941908e-1
const LG3 = 2.857142874366239149e-1
const LG4 = 2.222219843214978396e-1
const LG5 = 1.818357216161805012e-1
const LG6 = 1.531383769920937332e-1
const LG7 = 1.479819860511658591e-1

/**
 * The natural logarithm, the same bits on every machine.
 *
 * `Math.log` may differ in the last bit from engine to engine, and a draw that hangs on that bit would look like
 * cheating. This is `__ieee754_log` of fdlibm 5.3 (Sun Microsystems, freely distributable), operation by operation;
 * JavaScript rounds each one as IEEE 754 does and never fuses two of them. Error below 1 ulp.
 */
export function ln(input: number): number {
  let x = input
  let hx = highWord(x)
  let k = 0
  if (hx < 0x00100000) {
    if (x === 0) return -Infinity
    if (!(x > 0)) return NaN
    k -= 54
    x *= TWO_54
    hx = highWord(x)
  }
  if (hx >= 0x7ff00000) return x + x
  k += (hx >> 20) - 1023
  hx &= 0x000fffff
  const i = (hx + 0x95f64) & 0x100000
  x = withHighWord(x, hx | (i ^ 0x3ff00000))
  k += i >> 20
  const f = x - 1
  if ((0x000fffff & (2 + hx)) < 3) return nearOne(f, k)
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const t1 = w * (LG2 + w * (LG4 + w * LG6))
  const t2 = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)))
  const r = t2 + t1
  if (((hx - 0x6147a) | (0x6b851 - hx)) > 0) {
    const halfSquare = 0.5 * f * f
    if (k === 0) return f - (halfSquare - s * (halfSquare + r))
    return k * LN2_HIGH - (halfSquare - (s * (halfSquare + r) + k * LN2_LOW) - f)
  }
  if (k === 0) return f - s * (f - r)
  return k * LN2_HIGH - (s * (f - r) - k * LN2_LOW - f)
}

/** |f| < 2^-20: two terms of the series are enough. */
function nearOne(f: number, k: number): number {
  if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW
  const r = f * f * (0.5 - 0.33333333333333333 * f)
  return k === 0 ? f - r : k * LN2_HIGH - (r - k * LN2_LOW - f)
}
