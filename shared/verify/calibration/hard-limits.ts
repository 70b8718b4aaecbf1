import type { Envelope, Limits, Profile } from './envelope.ts'

/** What a commit alone may change: no record of any provider moves these. */
interface HardLimits {
  readonly margins: Envelope['margins']
  readonly differs: Limits
}

/**
 * 32-bit activations. Order of summation alone moves logits by 1e-5 to 1e-3 (measured on Infernet Tiny, wasm against a
 * software GPU: below 2e-5), and a half of a logit near 16 is rounded by up to 0.008. So 0.02 is beyond what any right
 * machine shows, and a twentieth of what 4-bit weights show in place of 32-bit ones (0.4, `calibration/*.json`). A right
 * machine draws another token only where two choices score alike to a thousandth, and filters another one only where
 * the kept probability ends within as much of its bound.
 */
const EXACT: HardLimits = {
  margins: { near: 0.01, far: 0.1, clip: 4 },
  differs: {
    off: 1 / 200,
    far: 1 / 500,
    beyond: 1 / 10_000,
    sketchDistance: 0.02,
    largestSketchDistance: 0.1,
  },
}

/**
 * 16-bit activations, of which no two machines were measured. Simulated (docs/design-notes.md): honest noise of 0.05 to
 * 0.12 logits. Twice that is what differs, so that a smaller model and another seed are found, and another quantisation
 * only where it is coarse.
 */
const HALF: HardLimits = {
  margins: { near: 0.1, far: 0.5, clip: 4 },
  differs: { off: 1 / 20, far: 1 / 50, beyond: 1 / 200, sketchDistance: 0.25, largestSketchDistance: 1 },
}

/** 4-bit weights are multiplied with 32-bit activations: `shared/models/lint-model.ts` refuses any other way. */
export const HARD_LIMITS: Readonly<Record<Profile, HardLimits>> = {
  fp32: EXACT,
  q4: EXACT,
  fp16: HALF,
  q4f16: HALF,
}

/** Where nothing was measured, only what is the same to the bit agrees; what is beyond all bounds differs all the same. */
export function unmeasuredEnvelope(profile: Profile): Envelope {
  const agrees = { off: 0, far: 0, beyond: 0, sketchDistance: 0, largestSketchDistance: 0 }
  return { profile, ...HARD_LIMITS[profile], agrees }
}
