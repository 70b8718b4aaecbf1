import type { PrivateKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import * as v from 'valibot'
import { fromHex, utf8 } from '../../base/bytes.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import { MINUTE_MS, type EpochMillis } from '../../base/units.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Golden } from '../../engine/golden.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { SKETCH_BYTES } from '../../stream/sketch-tree.ts'
import { bytesUpTo, epochMillisField, modelHashField } from '../../wire/fields.ts'
import { openSigned, sign, type Signed } from '../../wire/signed.ts'
import { tagOf } from '../../wire/versions.ts'
import {
  joinSketches,
  sketchBytes,
  sketchDistance,
  sketchesFrom,
  sketchAt,
  type SketchDistance,
} from '../statistics/sketch-distance.ts'
import { verifierClassSchema, type VerifierClass } from '../verdict.ts'

/** Of each golden answer so many tokens, and of so many answers: 4 KiB of sketches, half of what may be signed. */
const MAX_CASES = 8
const MAX_CASE_TOKENS = 16
const MAX_BYTES = MAX_CASES * MAX_CASE_TOKENS * SKETCH_BYTES

/** A record is made again at each start, and at least once in two days. @internal What provides renews it in time. */
export const MAX_GOLDEN_LIFE_MS = 48 * 60 * MINUTE_MS

/** Which logits are sketched: the same for everybody, so that any two records can be compared. */
const SEED = sha256(utf8(tagOf('signed', 'golden-sketches')))
const GREEDY = { temperature: 0, topP: 1 } as const

/**
 * What a machine computes of its model's golden answers, in its provider's name. It describes and never vouches: the
 * prompts are public, so anybody can copy the sketches of another machine. No answer is judged by it.
 */
export interface GoldenSketches {
  readonly model: ModelHash
  /** By its own word; what the sketches show is in {@link classesOf}. */
  readonly class: VerifierClass
  /** Sixteen halves for each token, case after case. */
  readonly sketches: Uint16Array
  readonly at: EpochMillis
  readonly expiresAt: EpochMillis
}

const recordSchema = v.strictObject({
  model: modelHashField,
  class: verifierClassSchema,
  sketches: v.pipe(
    bytesUpTo(MAX_BYTES),
    v.check((all) => all.length > 0 && all.length % SKETCH_BYTES === 0, 'length'),
    v.transform((all) => sketchesFrom(all)),
  ),
  at: epochMillisField,
  expiresAt: epochMillisField,
})

/**
 * Reads the golden answers of a model, as a verifier would, and keeps the sketches: sixteen halves a token.
 *
 * @returns undefined where the model has none
 * @throws as `Engine.score`
 */
export async function goldenSketches(
  engine: Pick<Engine, 'score'>,
  golden: Golden | undefined,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Uint16Array | undefined> {
  const sketches: Uint16Array[] = []
  for (const { prompt, tokens } of golden?.cases.slice(0, MAX_CASES) ?? []) {
    const outputTokens = tokens.slice(0, MAX_CASE_TOKENS)
    if (outputTokens.length === 0) continue
    const text = { promptTokens: prompt, outputTokens, sampler: GREEDY, seed: SEED }
    sketches.push(...(await engine.score(text, { signal })).map(({ sketch }) => sketch))
  }
  return sketches.length > 0 ? joinSketches(sketches) : undefined
}

/** Signs a record in the name of the provider whose machine it describes. */
export function signGolden(record: GoldenSketches, key: PrivateKey): Promise<Signed> {
  const { model, sketches, ...rest } = record
  return sign('golden-sketches', { ...rest, model: fromHex(model), sketches: sketchBytes(sketches) }, key)
}

/**
 * Verifies whose record it is and reads it. Whether it is still of use, who has a clock says.
 *
 * @throws InfernetError `wire.bad-signature`, `wire.malformed`, or `verify.bad-golden` with the reason `time` for one that
 * ends before it begins, or lives too long
 */
export async function openGolden(signed: Signed, provider: PeerName): Promise<GoldenSketches> {
  const record = await openSigned('golden-sketches', recordSchema, signed, provider)
  const lifeMs = record.expiresAt - record.at
  if (lifeMs <= 0 || lifeMs > MAX_GOLDEN_LIFE_MS)
    throw new InfernetError('verify.bad-golden', { reason: 'time' })
  return record
}

/** How far two machines lie apart; undefined where their records are not of the same golden answers. */
export function goldenDistance(one: GoldenSketches, other: GoldenSketches): SketchDistance | undefined {
  if (one.model !== other.model || one.sketches.length !== other.sketches.length) return undefined
  const tokens = (2 * one.sketches.length) / SKETCH_BYTES
  return sketchDistance(
    Array.from({ length: tokens }, (_, at) => [sketchAt(one.sketches, at), sketchAt(other.sketches, at)]),
  )
}
