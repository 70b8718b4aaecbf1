import type { PrivateKey } from '@libp2p/interface'
import * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { JobId, ModelHash, PeerName } from '../base/ids.ts'
import type { BaseUnits, EpochMillis } from '../base/units.ts'
import type { Backend } from '../engine/engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_OUTPUT_TOKENS } from '../prompt/constants.ts'
import {
  amountField,
  bytes,
  epochMillisField,
  integer,
  jobIdField,
  line,
  modelHashField,
  peerNameField,
  real,
} from '../wire/fields.ts'
import { openSigned, sign, type Signed } from '../wire/signed.ts'

/** What a check comes to. `inconclusive` accuses nobody. */
export const OUTCOMES = ['agrees', 'differs', 'inconclusive'] as const
export type Outcome = (typeof OUTCOMES)[number]

/**
 * Why a check came to nothing: no root under a token, too few tokens, openings that nobody gave, two machines that lie
 * farther apart than any two that were measured, or statistics between what agrees and what differs.
 */
export const INCONCLUSIVE_REASONS = [
  'no-commitments',
  'too-short',
  'withheld',
  'unseen-pair',
  'between',
] as const
export type InconclusiveReason = (typeof INCONCLUSIVE_REASONS)[number]

/** What shows that an answer differs: its tokens, its sketches, or openings that are not what was signed. */
export const DIFFERENCES = ['tokens', 'sketches', 'openings'] as const
export type Difference = (typeof DIFFERENCES)[number]

/** What a verifier ran on, by its own word; its golden sketches show more. */
export interface VerifierClass {
  readonly backend: Backend
  readonly adapter: string
  /** The engine's build, e.g. `onnxruntime-web 1.30.0`. */
  readonly build: string
}

/** Tokens by their margin, in this order: 0; up to the first limit; up to the second; beyond it or filtered. */
export type MarginCounts = readonly [same: number, near: number, far: number, beyond: number]

/** What a check found, in numbers. */
export interface Findings {
  /** Tokens that were read again. */
  readonly tokens: number
  readonly margins: MarginCounts
  /** Of the tokens that the filters leave, in logits. */
  readonly largestMargin: number
  /** Mean of the margins, each clipped, in logits. */
  readonly meanMargin: number
  /** Tokens whose sketch was opened. */
  readonly opened: number
  /** Root of the mean square difference of opened sketches and the verifier's own, in logits. */
  readonly sketchDistance: number
  /** The same of the token where it is largest. */
  readonly largestSketchDistance: number
}

/** "I read this answer again, and this is what I found", signed by who did. */
export interface Verdict {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly model: ModelHash
  /** SHA-256 of the last chunk that was checked: the verdict is about this chain and no other. */
  readonly head: Uint8Array
  readonly outcome: Outcome
  /** Of an `inconclusive` verdict. */
  readonly reason: InconclusiveReason | undefined
  /** Of a verdict that `differs`. */
  readonly difference: Difference | undefined
  readonly findings: Findings
  readonly class: VerifierClass
  /** SHA-256 of the envelope it was judged by (`calibration.json` of the model's profile). */
  readonly envelope: Uint8Array
  /** What the verifier's own sketches were bound to before it saw the provider's (`bindOwnSketches`). */
  readonly commitment: Uint8Array
  /** What the check cost who asked for it. */
  readonly cost: BaseUnits
  readonly at: EpochMillis
}

export const verifierClassSchema = v.strictObject({
  backend: v.picklist(['webgpu', 'wasm']),
  adapter: line(60),
  build: line(60),
})

const count = integer(0, MAX_OUTPUT_TOKENS)
const logits = real(0, 1e6)

const verdictSchema = v.strictObject({
  jobId: jobIdField,
  provider: peerNameField,
  model: modelHashField,
  head: bytes(32),
  outcome: v.picklist(OUTCOMES),
  reason: v.exactOptional(v.picklist(INCONCLUSIVE_REASONS)),
  difference: v.exactOptional(v.picklist(DIFFERENCES)),
  findings: v.strictObject({
    tokens: count,
    margins: v.strictTuple([count, count, count, count]),
    largestMargin: logits,
    meanMargin: logits,
    opened: count,
    sketchDistance: logits,
    largestSketchDistance: logits,
  }),
  class: verifierClassSchema,
  envelope: bytes(32),
  commitment: bytes(32),
  cost: amountField,
  at: epochMillisField,
})

/** Signs a verdict in the name of the verifier. */
export function signVerdict(verdict: Verdict, key: PrivateKey): Promise<Signed> {
  const { jobId, model, cost, reason, difference, ...rest } = verdict
  return sign(
    'verdict',
    {
      ...rest,
      ...{ jobId: fromHex(jobId), model: fromHex(model), cost: amountToBytes(cost) },
      ...(reason && { reason }),
      ...(difference && { difference }),
    },
    key,
  )
}

/**
 * Verifies whose verdict it is and reads it. Whether its numbers are right is not said by this.
 *
 * @throws InfernetError `wire.bad-signature`, `wire.malformed`, or `verify.bad-verdict` for one that contradicts itself:
 * a reason without its outcome, more categories or openings than tokens
 */
export async function openVerdict(signed: Signed, verifier: PeerName): Promise<Verdict> {
  const body = await openSigned('verdict', verdictSchema, signed, verifier)
  const { outcome, reason, difference, findings } = body
  const isWhole =
    (outcome === 'inconclusive') === (reason !== undefined) &&
    (outcome === 'differs') === (difference !== undefined) &&
    findings.margins.reduce((sum, each) => sum + each, 0) === findings.tokens &&
    findings.opened <= findings.tokens
  if (!isWhole) throw new InfernetError('verify.bad-verdict', { reason: 'contradiction' })
  return { ...body, reason, difference }
}
