import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { floatToHalf } from '../../engine/score/half.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { HARD_LIMITS } from '../calibration/hard-limits.ts'
import type { Envelope } from '../calibration/envelope.ts'
import { isSignedWhole, judge, type Evidence } from './judge.ts'

const envelope: Envelope = {
  ...{ profile: 'fp32', ...HARD_LIMITS.fp32 },
  agrees: { off: 1e-4, far: 1e-4, beyond: 1e-4, sketchDistance: 0.002, largestSketchDistance: 0.01 },
}
const sketchOf = (shift: number): Uint16Array =>
  Uint16Array.from({ length: SKETCH_SIZE }, (_, i) => floatToHalf(i % 2 === 0 ? shift : -shift))
const root = new Uint8Array(32)

/** A check of `tokens` tokens, the first of which have these margins, and whose sketches lie so far apart. */
function check(
  tokens: number,
  {
    margins = [],
    apart = 0,
    opened = tokens,
    ...rest
  }: { margins?: number[]; apart?: number; opened?: number } & Partial<Omit<Evidence, 'opened'>> = {},
): Evidence {
  const from = rest.from ?? 0
  return {
    ...{ from, envelope, roots: [{ from, count: tokens, root }] },
    scores: Array.from({ length: tokens }, (_, i) => ({ margin: margins[i] ?? 0, sketch: sketchOf(1) })),
    opened: Array.from({ length: opened }, (_, i) => ({ position: from + i, sketch: sketchOf(1 + apart) })),
    ...rest,
  }
}

describe('judge', () => {
  it('agrees where everything is as the verifier would have written it', () => {
    const { outcome, reason, difference, findings } = judge(check(64))
    expect([outcome, reason, difference]).toEqual(['agrees', undefined, undefined])
    expect(findings).toEqual({
      ...{ tokens: 64, margins: [64, 0, 0, 0], largestMargin: 0, meanMargin: 0 },
      ...{ opened: 64, sketchDistance: 0, largestSketchDistance: 0 },
    })
  })

  it('puts margins into categories, and clips their mean', () => {
    const { findings } = judge(check(4, { margins: [0.01, 0.1, 0.11, Infinity] }))
    expect(findings.margins).toEqual([0, 1, 1, 2])
    expect(findings.largestMargin).toBe(0.11)
    expect(findings.meanMargin).toBeCloseTo((0.01 + 0.1 + 0.11 + 4) / 4, 12)
  })

  it.each<[string, Evidence, string]>([
    ['it is shorter than 32 tokens', check(31), 'too-short'],
    ['a token has no root', check(64, { roots: [{ from: 0, count: 63, root }] }), 'no-commitments'],
    ['no chunk has one', check(64, { roots: [{ from: 0, count: 64, root: undefined }] }), 'no-commitments'],
    ['nothing was opened', { ...check(64), opened: undefined }, 'withheld'],
    ['too little was opened', check(64, { opened: 15 }), 'withheld'],
    ['its sketches lie farther apart than any that were measured', check(64, { apart: 0.01 }), 'unseen-pair'],
    [
      'more tokens are off than was measured, and fewer than accuse',
      check(64, { margins: [0.005, 0.005] }),
      'between',
    ],
  ])('accuses nobody where %s', (_, evidence, reason) => {
    expect(judge(evidence)).toMatchObject({ outcome: 'inconclusive', reason, difference: undefined })
  })

  it.each<[string, Evidence, string]>([
    ['tokens far from what the model draws', check(64, { margins: [1, 1, 1] }), 'tokens'],
    ['tokens that the filters rule out', check(64, { margins: [Infinity, Infinity, Infinity] }), 'tokens'],
    ['many tokens that are near misses', check(64, { margins: Array<number>(12).fill(1e-3) }), 'tokens'],
    ['sketches of another model', check(64, { apart: 0.4 }), 'sketches'],
    ['openings that are not what was signed', { ...check(64), opened: 'forged' as const }, 'openings'],
  ])('differs with %s', (_, evidence, difference) => {
    expect(judge(evidence)).toMatchObject({ outcome: 'differs', difference, reason: undefined })
  })

  it('sees one token of another model among many', () => {
    const honest = check(128)
    const opened = [{ position: 7, sketch: sketchOf(1.4) }, ...(honest.opened as []).slice(8)]
    expect(judge({ ...honest, opened })).toMatchObject({ outcome: 'differs', difference: 'sketches' })
  })

  it('needs neither roots nor openings to see that tokens are wrong, and little of them', () => {
    const evidence = check(8, { margins: [2, 2, 2], roots: [], opened: 0 })
    expect(judge({ ...evidence, opened: undefined })).toMatchObject({
      outcome: 'differs',
      difference: 'tokens',
    })
  })

  it('does not take one odd token for a cheat', () => {
    expect(judge(check(512, { margins: [Infinity] })).outcome).not.toBe('differs')
  })

  it('holds those that lie near one another to less than those that lie far apart', () => {
    const three = [0.03, 0.05, 0.04]
    expect(judge(check(128, { margins: three }))).toMatchObject({ outcome: 'differs', difference: 'tokens' })
    expect(judge(check(128, { margins: three })).findings.margins).toEqual([125, 0, 0, 3])
    const farther = judge(check(128, { margins: three, apart: 0.001 }))
    expect(farther).toMatchObject({ outcome: 'inconclusive', findings: { margins: [125, 0, 3, 0] } })
    const ruledOut = Array<number>(4).fill(Infinity)
    expect(judge(check(128, { margins: ruledOut, apart: 0.0005 })).outcome).toBe('differs')
    expect(judge(check(128, { margins: ruledOut, apart: 0.015 })).outcome).toBe('inconclusive')
  })

  it('takes those that open nothing to lie as far apart as any that were measured', () => {
    const wrong = { margins: Array<number>(3).fill(Infinity), opened: 0 }
    expect(judge(check(128, wrong))).toMatchObject({ outcome: 'inconclusive', reason: 'withheld' })
    expect(judge(check(128, { ...wrong, margins: Array<number>(4).fill(Infinity) })).outcome).toBe('differs')
  })

  it('looks at positions of the whole answer, and counts each once', () => {
    const later = check(40, { from: 96 })
    expect(judge(later)).toMatchObject({ outcome: 'agrees', findings: { opened: 40 } })
    const again = [...(later.opened as []), ...(later.opened as [])]
    const strange = { position: 3, sketch: sketchOf(9) }
    expect(judge({ ...later, opened: [...again, strange] }).findings.opened).toBe(40)
  })

  it('never lets a worse answer look better, and always gives the same', () => {
    const rank = { agrees: 0, inconclusive: 1, differs: 2 } as const
    const some = fc.record({
      ...{ tokens: fc.integer({ min: 1, max: 200 }), apart: fc.double({ min: 0, max: 1, noNaN: true }) },
      margins: fc.array(fc.constantFrom(0, 0, 0, 0.005, 0.05, 1, Infinity), { maxLength: 20 }),
    })
    fc.assert(
      fc.property(some, ({ tokens, apart, margins }) => {
        const before = judge(check(tokens, { margins, apart }))
        expect(judge(check(tokens, { margins, apart }))).toEqual(before)
        const worse = judge(check(tokens, { margins: margins.map(() => Infinity), apart }))
        expect(rank[worse.outcome]).toBeGreaterThanOrEqual(rank[before.outcome])
      }),
    )
  })
})

describe('isSignedWhole', () => {
  it('joins ranges in any order, and sees a gap', () => {
    const [a, b, c] = [0, 32, 64].map((from) => ({ from, count: 32, root }))
    expect(isSignedWhole([c!, a!, b!], 0, 96)).toBe(true)
    expect(isSignedWhole([c!, a!, b!], 0, 97)).toBe(false)
    expect(isSignedWhole([c!, a!], 0, 96)).toBe(false)
    expect(isSignedWhole([b!, c!], 32, 64)).toBe(true)
    expect(isSignedWhole([b!, c!], 31, 64)).toBe(false)
    expect(isSignedWhole([], 0, 1)).toBe(false)
  })
})
