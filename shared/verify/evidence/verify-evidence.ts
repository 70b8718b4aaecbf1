import type { ModelHash } from '../../base/ids.ts'
import type { Engine } from '../../engine/engine.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { seedOf, verifyTranscript, type Proven } from '../../stream/transcript.ts'
import type { Question } from '../../stream/question.ts'
import type { Envelope } from '../calibration/envelope.ts'
import { checkVerdict } from '../check/check-verdict.ts'
import { judge, type Judgement } from '../check/judge.ts'
import { readOpenings } from '../openings/read-openings.ts'
import { openVerdict, type Verdict } from '../verdict.ts'
import { badEvidence, decodeEvidence } from './evidence.ts'

/** What is needed to check a verdict again. */
export interface EvidenceTools {
  /** Of the model's profile; undefined for a model that is not known here. */
  readonly envelopeOf: (model: ModelHash) => Envelope | undefined
  /** The model itself; without it only what was signed is checked. */
  readonly engineOf?: (model: ModelHash) => Promise<Pick<Engine, 'score'>>
}

/** A verdict that holds by what was signed, and what one's own reading came to. */
export interface VerifiedEvidence {
  readonly verdict: Verdict
  readonly proven: Proven
  /** Undefined where nobody read the answer here. */
  readonly own: Judgement | undefined
  /** Whether one's own reading came to the same outcome. */
  readonly isConfirmed: boolean
}

/**
 * Verifies a file of evidence from its bytes alone: the provider's chain of chunks, what it opened under its roots, the
 * verifier's signature, and that the verdict follows from what its verifier shows. With an engine the answer is read
 * again. No clock is asked: a verdict is as true a year later.
 *
 * @throws InfernetError `verify.bad-evidence` with the first reason: `form`; `transcript`; `question` where it is kept
 * back; `model` for one that is not known; `verdict` for one that is not signed so; `openings`; or what `checkVerdict`
 * names, as `envelope` for limits that are not those of this software. And what the engine throws.
 */
export async function verifyEvidence(
  file: Uint8Array,
  tools: EvidenceTools,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<VerifiedEvidence> {
  const evidence = decodeEvidence(file)
  const proven = await holding('transcript', () => verifyTranscript(evidence.transcript))
  const { question } = proven
  const seed = seedOf(proven)
  if (!question || !seed) throw badEvidence('question')
  const envelope = tools.envelopeOf(question.model)
  if (!envelope) throw badEvidence('model')
  const verdict = await holding('verdict', () => openVerdict(evidence.verdict, evidence.verifier))
  const { transcript, openings = [], forgery } = evidence
  const opened = await holding('openings', () => readOpenings({ openings, forgery }, { transcript, proven }))
  try {
    checkVerdict({ ...{ verdict, own: evidence.own, salt: evidence.salt, opened, proven, envelope } })
  } catch (thrown) {
    throw badEvidence(reasonOf(thrown), thrown)
  }
  if (!tools.engineOf) return { verdict, proven, own: undefined, isConfirmed: false }
  const scores = await (
    await tools.engineOf(question.model)
  ).score(textOf(question, seed, proven), { signal })
  const own = judge({ scores, from: proven.from, roots: proven.roots, opened, envelope })
  return { verdict, proven, own, isConfirmed: own.outcome === verdict.outcome }
}

function textOf(
  { promptTokens, priorTokens, sampler }: Question,
  seed: Uint8Array,
  { tokens }: Proven,
): Parameters<Engine['score']>[0] {
  return { promptTokens, priorTokens, outputTokens: tokens, sampler, seed }
}

async function holding<T>(reason: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (thrown) {
    throw badEvidence(reason, thrown)
  }
}

function reasonOf(thrown: unknown): string {
  const reason = thrown instanceof InfernetError ? thrown.facts.reason : undefined
  return typeof reason === 'string' ? reason : 'verdict'
}
