import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dtypeSchema } from '../../models/manifest.ts'
import { envelopeOf, limitsFrom, parseCalibration } from './calibration-file.ts'
import { calibrationFor, envelopeFor } from './envelope-for.ts'
import { envelopeHash, type Limits } from './envelope.ts'
import { HARD_LIMITS } from './hard-limits.ts'

const profiles = dtypeSchema.options
const measured = profiles.filter((profile) => calibrationFor(profile))
const names = ['off', 'far', 'beyond', 'sketchDistance', 'largestSketchDistance'] as const

describe('the envelope of a profile', () => {
  it.each(profiles)(
    '%s: what agrees never reaches beyond what differs, which the code alone says',
    (profile) => {
      const { agrees, differs, margins } = envelopeFor(profile)
      expect({ differs, margins }).toEqual(HARD_LIMITS[profile])
      for (const name of names) expect(agrees[name]).toBeLessThanOrEqual(differs[name])
    },
  )

  it('has a hash of its own, the same each time', () => {
    const hashes = profiles.map((profile) => String(envelopeHash(envelopeFor(profile))))
    expect(new Set(hashes).size).toBe(profiles.length)
    expect(profiles.map((profile) => String(envelopeHash(envelopeFor(profile))))).toEqual(hashes)
  })
})

describe('a calibration', () => {
  it.each(measured)('of %s says what its pairs say', (profile) => {
    const { pairs, agrees, records, profile: own } = calibrationFor(profile)!
    expect(own).toBe(profile)
    expect(limitsFrom(pairs, profile, records)).toEqual(agrees)
    for (const { tokens, margins, off } of pairs) {
      expect(margins.reduce((sum, each) => sum + each)).toBe(tokens)
      expect(off.low <= off.rate && off.rate <= off.high).toBe(true)
    }
  })

  it('cannot widen what differs, and what agrees no farther than that', () => {
    const calibration = calibrationFor('fp32')!
    const wide: Limits = { off: 1, far: 1, beyond: 1, sketchDistance: 50, largestSketchDistance: 50 }
    const { agrees, differs } = envelopeOf({ ...calibration, agrees: wide })
    expect(differs).toEqual(HARD_LIMITS.fp32.differs)
    expect(agrees).toEqual(HARD_LIMITS.fp32.differs)
  })

  it('takes in what golden records showed, up to the hard limits', () => {
    const { pairs } = calibrationFor('fp32')!
    const hard = HARD_LIMITS.fp32.differs
    const some = { sketchDistance: 0.01, largestSketchDistance: 0.05 }
    expect(limitsFrom(pairs, 'fp32', some)).toMatchObject(some)
    const far = { sketchDistance: 9, largestSketchDistance: 9 }
    const { sketchDistance, largestSketchDistance } = limitsFrom(pairs, 'fp32', far)
    expect([sketchDistance, largestSketchDistance]).toEqual([hard.sketchDistance, hard.largestSketchDistance])
  })

  it('of another form is refused', () => {
    const calibration = calibrationFor('fp32')!
    for (const odd of [
      null,
      {},
      { ...calibration, format: 'infernet/calibration/9' },
      { ...calibration, more: 1 },
    ])
      expect(() => parseCalibration(odd)).toThrow(expect.objectContaining({ code: 'verify.bad-calibration' }))
  })

  it('is read, or refused with a code, whatever a file says, and never moves what differs', () => {
    const calibration = calibrationFor('fp32')!
    const fields = Object.keys(calibration)
    const changed = fc
      .record({ field: fc.constantFrom(...fields), value: fc.anything() })
      .map(({ field, value }): unknown => ({ ...calibration, [field]: value }))
    const limits = fc.record(Object.fromEntries(names.map((name) => [name, fc.double()])))
    const wide = limits.map((agrees): unknown => ({ ...calibration, agrees }))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), changed, wide), (value) => {
        try {
          const { differs, agrees, profile } = envelopeOf(parseCalibration(value))
          expect(differs).toEqual(HARD_LIMITS[profile].differs)
          for (const name of names) expect(agrees[name]).toBeLessThanOrEqual(differs[name])
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'verify.bad-calibration' })
        }
      }),
    )
  })
})
