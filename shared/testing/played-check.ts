import { baseUnits, epochMillis } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import { ORT_VERSION } from '../engine/ort-runtime.ts'
import { envelopeHash, type Envelope } from '../verify/calibration/envelope.ts'
import { judge, type Judgement } from '../verify/check/judge.ts'
import { bindOwnSketches } from '../verify/check/own-sketches.ts'
import type { Evidence } from '../verify/evidence/evidence.ts'
import { checkOpenings } from '../verify/openings/check-openings.ts'
import { joinSketches } from '../verify/statistics/sketch-distance.ts'
import { signVerdict, type Verdict } from '../verify/verdict.ts'
import type { TestPeer } from './peers.ts'
import type { SignedAnswer } from './signed-answer.ts'

/** Reads an answer with a verifier's engine, as the answer's question says that it was drawn. */
export async function readAgain(
  engine: Pick<Engine, 'score'>,
  { proven, openings, seed }: Pick<SignedAnswer, 'proven' | 'openings' | 'seed'>,
  envelope: Envelope,
): Promise<Judgement & { readonly own: Uint16Array }> {
  const { question, tokens, from, roots } = proven
  if (!question) throw new Error('the question is kept back')
  const { promptTokens, priorTokens, sampler } = question
  const scores = await engine.score({ promptTokens, priorTokens, outputTokens: tokens, sampler, seed })
  const opened = checkOpenings(openings, roots)
  return {
    ...judge({ scores, from, roots, opened, envelope }),
    own: joinSketches(scores.map(({ sketch }) => sketch)),
  }
}

/** A whole check of an answer, as a file of evidence holds it. */
export async function playedCheck(
  engine: Pick<Engine, 'score'>,
  answer: SignedAnswer,
  envelope: Envelope,
  { verifier, changes = {} }: { readonly verifier: TestPeer; readonly changes?: Partial<Verdict> },
): Promise<Evidence> {
  const { proven, transcript, openings } = answer
  const { own, ...judgement } = await readAgain(engine, answer, envelope)
  const salt = new Uint8Array(32).fill(5)
  if (!proven.question) throw new Error('the question is kept back')
  const verdict: Verdict = {
    ...{ jobId: proven.jobId, provider: proven.provider, model: proven.question.model, head: proven.head },
    ...judgement,
    class: { backend: 'wasm', adapter: 'cpu', build: `onnxruntime-web ${ORT_VERSION}` },
    ...{ envelope: envelopeHash(envelope), commitment: bindOwnSketches(own, salt) },
    ...{ cost: baseUnits(7n), at: epochMillis(1_800_000_000_000) },
    ...changes,
  }
  const signed = await signVerdict(verdict, verifier.key)
  return { transcript, openings, verifier: verifier.name, verdict: signed, own, salt }
}
