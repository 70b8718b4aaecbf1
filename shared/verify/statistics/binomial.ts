/**
 * The chance that of `trials` independent ones, each with chance `rate`, at least `hits` succeed. Summed from the
 * smallest term on, in logarithms, so that one in a million is right to many digits.
 */
export function chanceOfAtLeast(hits: number, trials: number, rate: number): number {
  if (hits <= 0) return 1
  if (rate <= 0 || hits > trials) return 0
  if (rate >= 1) return 1
  const [yes, no] = [Math.log(rate), Math.log1p(-rate)]
  let logChoices = 0
  for (let i = 1; i <= hits; i++) logChoices += Math.log(trials - hits + i) - Math.log(i)
  const terms: number[] = []
  for (let k = hits; k <= trials; k++) {
    terms.push(Math.exp(logChoices + k * yes + (trials - k) * no))
    logChoices += Math.log(trials - k) - Math.log(k + 1)
  }
  return Math.min(
    1,
    terms.toSorted((a, b) => a - b).reduce((sum, term) => sum + term, 0),
  )
}

/** A rate that was measured, and the bounds that hold it in 95 of 100 such measurements. */
export interface RateInterval {
  readonly rate: number
  readonly low: number
  readonly high: number
}

/** 97.5 % of a normal distribution lie below so many standard deviations. */
const Z_95 = 1.959964

/**
 * Wilson's score interval (1927), which is right for few successes and for none too.
 *
 * @param trials at least one
 */
export function wilsonInterval(hits: number, trials: number): RateInterval {
  const rate = hits / trials
  const z = (Z_95 * Z_95) / trials
  const centre = (rate + z / 2) / (1 + z)
  const half = Math.sqrt(z * (rate * (1 - rate) + z / 4)) / (1 + z)
  return { rate, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
