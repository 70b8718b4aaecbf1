import type { CheatingEngine } from './cheat.ts'
import { cannedAnswer, copiedAnswer, earlyStop, inflatedUsage, wrongSketches } from './other-answers.ts'
import { otherQuantisation, probeRecogniser, rightSketchesWrongTokens, smallerModel } from './other-models.ts'
import { ignoredSampler, otherSeed, shortenedContext, staleTemplate } from './other-requests.ts'
import { alwaysAccuses, alwaysAgrees, copiedVerdict } from './verifiers.ts'

/** A way to be paid for what was not done, or to harm somebody who did it. */
export interface Cheat {
  readonly name: string
  /** Who does it. A verifier's engine reads, an auditor's too; it publishes what it finds. */
  readonly by: 'provider' | 'verifier' | 'auditor'
  /** `check`: one check of one answer shows it. `record`: only what is seen over time does. */
  readonly caughtBy: 'check' | 'record'
  readonly wrap: CheatingEngine
}

const byProvider = { by: 'provider', caughtBy: 'check' } as const

/** Every cheat that we know, each over real engines. */
export const CHEATS: readonly Cheat[] = [
  { name: 'smaller-model', ...byProvider, wrap: smallerModel },
  { name: 'other-quantisation', ...byProvider, wrap: otherQuantisation },
  { name: 'other-seed', ...byProvider, wrap: otherSeed },
  { name: 'ignored-sampler', ...byProvider, wrap: ignoredSampler },
  { name: 'shortened-context', ...byProvider, wrap: shortenedContext },
  { name: 'copied-answer', ...byProvider, wrap: copiedAnswer },
  { name: 'canned-answer', ...byProvider, wrap: cannedAnswer },
  { name: 'inflated-usage', ...byProvider, wrap: inflatedUsage },
  { name: 'stale-template', ...byProvider, wrap: staleTemplate },
  { name: 'wrong-sketches', ...byProvider, wrap: wrongSketches },
  { name: 'right-sketches-wrong-tokens', ...byProvider, wrap: rightSketchesWrongTokens },
  // Every token of it is right; its consumer sees that the end token is missing.
  { name: 'early-stop', by: 'provider', caughtBy: 'record', wrap: earlyStop },
  // A check of a probe agrees; one of a real question does not.
  { name: 'probe-recogniser', by: 'provider', caughtBy: 'record', wrap: probeRecogniser },
  // What these find follows from what they say they read, so only another reading contradicts them.
  { name: 'always-agrees', by: 'verifier', caughtBy: 'record', wrap: alwaysAgrees },
  { name: 'always-accuses', by: 'verifier', caughtBy: 'record', wrap: alwaysAccuses },
  { name: 'copied-verdict', by: 'verifier', caughtBy: 'record', wrap: copiedVerdict },
  { name: 'lying-auditor', by: 'auditor', caughtBy: 'record', wrap: alwaysAccuses },
]

/** @throws Error for a name that is none */
export function cheatNamed(name: string): Cheat {
  const cheat = CHEATS.find((each) => each.name === name)
  if (!cheat)
    throw new Error(
      `There is no cheat named ${name}. The names: ${CHEATS.map((each) => each.name).join(', ')}.`,
    )
  return cheat
}
