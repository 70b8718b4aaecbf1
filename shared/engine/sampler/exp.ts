import { highWord, lowWord, withHighWord } from './words.ts'

const OVERFLOW = 7.09782712893383973096e2
const UNDERFLOW = -7.4513321910194110842e2
const LN2_HIGH = 6.9314718036912381649e-1
const LN2_LOW = 1.90821492927058770002e-10
const ONE_OVER_LN2 = 1.442695040888963387
const TWO_M1000 = 9.3326361850321887899e-302
const P1 = 1.66666666666666019037e-1
const P2 = -2.77777777770155933842e-3
const P3 = 6.61375632143793436117e-5
const P4 = -1.6533902205465251539e-6
const P5 = 4.13813679705723846039e-8

/**
 * The exponential function, the same bits on every machine, for the reason given at `ln`.
 *
 * `__ieee754_exp` of fdlibm 5.3 (Sun Microsystems, freely distributable), operation by operation. Error below 1 ulp.
 */
export function exp(input: number): number {
  let x = input
  const hx = highWord(x) & 0x7fffffff
  const negative = highWord(x) < 0
  if (hx >= 0x40862e42) {
    if (hx >= 0x7ff00000) {
      if (((hx & 0xfffff) | lowWord(x)) !== 0) return NaN
      return negative ? 0 : x
    }
    if (x > OVERFLOW) return Infinity
    if (x < UNDERFLOW) return 0
  }
  let high = 0
  let low = 0
  let k = 0
  if (hx > 0x3fd62e42) {
    k = hx < 0x3ff0a2b2 ? (negative ? -1 : 1) : Math.trunc(ONE_OVER_LN2 * x + (negative ? -0.5 : 0.5))
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    x = high - low
  } else if (hx < 0x3e300000) return 1 + x
  const t = x * x
  const c = x - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))))
  if (k === 0) return 1 - ((x * c) / (c - 2) - x)
  const y = 1 - (low - (x * c) / (2 - c) - high)
  if (k >= -1021) return withHighWord(y, highWord(y) + (k << 20))
  return withHighWord(y, highWord(y) + ((k + 1000) << 20)) * TWO_M1000
}
