import type { Engine } from '#shared/engine/engine.ts'
import { answerOf, judgePart, readAgain, type Asked } from '#shared/testing/cheats/checked-answer.ts'
import type { Envelope } from '#shared/verify/calibration/envelope.ts'
import { tallyOf, type Tally } from './tally.ts'

/** Lengths of what is judged, in tokens: whole chunks each. */
const LENGTHS = [32, 64, 128, 256] as const

/** What an answer is asked for, so that all lengths are in it. */
const ANSWER_TOKENS = 256

/** One side writes, the other reads: two engines, or one that is both. */
export interface Pair {
  readonly provider: Engine
  readonly verifier: Engine
  readonly envelope: Envelope
}

/** Asks for one answer, reads it once, and judges each part of it that has one of the {@link LENGTHS}. */
export async function checkLengths({ provider, verifier, envelope }: Pair, asked: Asked): Promise<Tally> {
  const answer = await answerOf(provider, asked, ANSWER_TOKENS)
  const scores = await readAgain(verifier, answer)
  return tallyOf(
    LENGTHS.flatMap((count) =>
      Array.from({ length: Math.floor(scores.length / count) }, (_, i) => ({
        tokens: count,
        judgement: judgePart(answer, scores, { envelope, from: i * count, count }),
      })),
    ),
  )
}
