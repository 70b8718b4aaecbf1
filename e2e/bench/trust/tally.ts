import type { Judgement } from '#shared/verify/check/judge.ts'

/** What checks of answers of one length came to. */
export interface LengthTally {
  readonly tokens: number
  readonly checks: number
  readonly differs: number
  readonly agrees: number
  readonly largestMargin: number
  readonly largestSketchDistance: number
}

/** What the checks of one case came to, by length. */
export interface Tally {
  readonly answers: number
  readonly lengths: readonly LengthTally[]
}

/** One answer, judged at one length. */
export interface Judged {
  readonly tokens: number
  readonly judgement: Judgement
}

/** The tally of one answer, of which several parts may have been judged. */
export function tallyOf(judged: readonly Judged[]): Tally {
  const lengths = judged.map(({ tokens, judgement: { outcome, findings } }) => ({
    tokens,
    checks: 1,
    differs: outcome === 'differs' ? 1 : 0,
    agrees: outcome === 'agrees' ? 1 : 0,
    largestMargin: findings.largestMargin,
    largestSketchDistance: findings.largestSketchDistance,
  }))
  return sumTallies([{ answers: 1, lengths }])
}

/** All of them as one, its lengths rising. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  const byTokens = new Map<number, LengthTally>()
  for (const each of tallies.flatMap(({ lengths }) => lengths)) {
    const sum = byTokens.get(each.tokens)
    byTokens.set(each.tokens, sum ? add(sum, each) : each)
  }
  return {
    answers: tallies.reduce((sum, { answers }) => sum + answers, 0),
    lengths: [...byTokens.values()].toSorted((a, b) => a.tokens - b.tokens),
  }
}

function add(a: LengthTally, b: LengthTally): LengthTally {
  return {
    tokens: a.tokens,
    checks: a.checks + b.checks,
    differs: a.differs + b.differs,
    agrees: a.agrees + b.agrees,
    largestMargin: Math.max(a.largestMargin, b.largestMargin),
    largestSketchDistance: Math.max(a.largestSketchDistance, b.largestSketchDistance),
  }
}
