import { baseUnits, epochMillis } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import { ORT_VERSION } from '../engine/ort-runtime.ts'
import { envelopeHash, type Envelope } from '../verify/calibration/envelope.ts'
import { judge, type Judgement } from '../verify/check/judge.ts'
import { bindOwnSketches } from '../verify/check/own-sketches.ts'
import type { Evidence } from '../verify/evidence/evidence.ts'
import { firstLink } from '../stream/first-link.ts'
import { checkOpenings } from '../verify/openings/check-openings.ts'
import { committedPositions } from '../verify/openings/read-openings.ts'
import { signOpened } from '../verify/openings/statement.ts'
import { joinSketches } from '../verify/statistics/sketch-distance.ts'
import { signVerdict, type Verdict } from '../verify/verdict.ts'
import type { TestPeer } from './peers.ts'
import type { SignedAnswer } from './signed-answer.ts'

type ReadAnswer = Pick<SignedAnswer, 'proven' | 'openings' | 'seed'> & {
  /** What its provider opened is not what it signed. @default false */
  readonly isForged?: boolean
}

/** Reads an answer with a verifier's engine, as the answer's question says that it was drawn. */
export async function readAgain(
  engine: Pick<Engine, 'score'>,
  { proven, openings, seed, isForged = false }: ReadAnswer,
  envelope: Envelope,
): Promise<Judgement & { readonly own: Uint16Array }> {
  const { question, tokens, from, roots } = proven
  if (!question) throw new Error('the question is kept back')
  const { promptTokens, priorTokens, sampler } = question
  const scores = await engine.score({ promptTokens, priorTokens, outputTokens: tokens, sampler, seed })
  const opened = isForged ? 'forged' : checkOpenings(openings, roots)
  return {
    ...judge({ scores, from, roots, opened, envelope }),
    own: joinSketches(scores.map(({ sketch }) => sketch)),
  }
}

/** A whole check of an answer, as a file of evidence holds it. */
export async function playedCheck(
  engine: Pick<Engine, 'score'>,
  answer: SignedAnswer & ReadAnswer,
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

/** A check of an answer whose provider puts its name to a sketch that it did not sign. */
export async function forgedCheck(
  engine: Pick<Engine, 'score'>,
  answer: SignedAnswer,
  envelope: Envelope,
  { verifier }: { readonly verifier: TestPeer },
): Promise<Evidence> {
  const { provider, proven, transcript } = answer
  const [first, ...rest] = answer.openings
  if (!first) throw new Error('nothing was opened')
  const leaves = first.leaves.map((leaf) => ({ ...leaf, sketch: leaf.sketch.toReversed() }))
  const openings = [{ ...first, leaves }, ...rest]
  const positions = committedPositions(proven)
  const link = firstLink(transcript.jobId, transcript.hashes)
  const statement = await signOpened({ link, positions, openings }, provider.key)
  const played = await playedCheck(engine, { ...answer, isForged: true }, envelope, { verifier })
  return { ...played, openings, forgery: { positions, statement } }
}
