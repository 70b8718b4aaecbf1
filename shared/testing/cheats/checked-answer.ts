import type { Engine, FinishReason, SamplerParams, TokenScore } from '../../engine/engine.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { CHUNK_TOKENS } from '../../stream/constants.ts'
import { checkOpening, openSketches, sketchRoot, type OpenedSketch } from '../../stream/sketch-tree.ts'
import type { SignedRoot } from '../../stream/transcript.ts'
import type { Envelope } from '../../verify/calibration/envelope.ts'
import { judge, type Judgement } from '../../verify/check/judge.ts'
import { wholeAnswer } from './cheat.ts'

/** What decides an honest answer. */
export interface Asked {
  readonly promptTokens: readonly number[]
  readonly sampler: SamplerParams
  readonly seed: Uint8Array
}

/** An answer with what its provider committed to, all of it opened. */
export interface Answer {
  readonly asked: Asked
  readonly tokens: readonly number[]
  readonly finish: FinishReason | undefined
  readonly roots: readonly SignedRoot[]
  readonly opened: readonly OpenedSketch[]
}

/** Has an engine write an answer, and commits to its sketches chunk by chunk, as a job does. */
export async function answerOf(provider: Engine, asked: Asked, maxTokens: number): Promise<Answer> {
  const request = { ...asked, priorTokens: [], maxTokens, sketches: true }
  const { tokens, sketches, finish } = await wholeAnswer(provider.generate(request))
  if (sketches?.length !== tokens.length * SKETCH_SIZE) throw new Error('An answer came without sketches.')
  const roots: SignedRoot[] = []
  const opened: OpenedSketch[] = []
  for (let from = 0; from < tokens.length; from += CHUNK_TOKENS) {
    const part = sketches.subarray(from * SKETCH_SIZE, (from + CHUNK_TOKENS) * SKETCH_SIZE)
    const count = part.length / SKETCH_SIZE
    const positions = Array.from({ length: count }, (_, i) => from + i)
    // Any secret will do: nobody tries to guess what is hidden.
    const root = sketchRoot(asked.seed, part, from)
    roots.push({ from, count, root })
    opened.push(...checkOpening(root, openSketches(asked.seed, part, from, positions), { from, count }))
  }
  return { asked, tokens, finish, roots, opened }
}

/** A verifier's own pass over an answer. */
export async function readAgain(verifier: Engine, { asked, tokens }: Answer): Promise<readonly TokenScore[]> {
  return verifier.score({ ...asked, outputTokens: tokens })
}

/**
 * Judges a part of an answer, as if a job had been that part and the tokens before it had been given to it. A pass over
 * the whole says the same of each of its tokens as one over the part, because both read the same text.
 *
 * @param part whole chunks. @default all of the answer
 */
export function judgePart(
  answer: Answer,
  scores: readonly TokenScore[],
  {
    envelope,
    from = 0,
    count = scores.length,
  }: { readonly envelope: Envelope; readonly from?: number; readonly count?: number },
): Judgement {
  const isWithin = (position: number): boolean => position >= from && position < from + count
  return judge({
    scores: scores.slice(from, from + count),
    from,
    roots: answer.roots.filter((root) => isWithin(root.from)),
    opened: answer.opened.filter(({ position }) => isWithin(position)),
    envelope,
  })
}
