import fp32 from './fp32.json' with { type: 'json' }
import q4 from './q4.json' with { type: 'json' }
import { envelopeOf, parseCalibration, type Calibration } from './calibration-file.ts'
import type { Envelope, Profile } from './envelope.ts'
import { unmeasuredEnvelope } from './hard-limits.ts'

const FILES: Readonly<Partial<Record<Profile, unknown>>> = { fp32, q4 }

/** What was measured of a profile; undefined where nothing was. @internal The page's table of classes reads it. */
export function calibrationFor(profile: Profile): Calibration | undefined {
  const file = FILES[profile]
  return file === undefined ? undefined : parseCalibration(file)
}

/**
 * The one envelope by which answers of all models of a profile are judged.
 *
 * @param profile the `dtype` of the model's manifest
 */
export function envelopeFor(profile: Profile): Envelope {
  const calibration = calibrationFor(profile)
  return calibration ? envelopeOf(calibration) : unmeasuredEnvelope(profile)
}
