import type { PrivateKey } from '@libp2p/interface'
import type { Random } from '../../base/random.ts'
import type { BaseUnits, EpochMillis } from '../../base/units.ts'
import type { EngineInfo, TokenScore } from '../../engine/engine.ts'
import type { Signed } from '../../wire/signed.ts'
import { envelopeHash, type Envelope } from '../calibration/envelope.ts'
import { judge, type Openings } from '../check/judge.ts'
import { bindOwnSketches } from '../check/own-sketches.ts'
import { joinSketches } from '../statistics/sketch-distance.ts'
import { signVerdict, type Verdict } from '../verdict.ts'
import type { CheckCase } from './check-case.ts'
import { ownClass } from './own-class.ts'

/** What a verifier found by itself, and what it is bound to before it sees what the provider found. */
export interface OwnReading {
  readonly scores: readonly TokenScore[]
  /** Sixteen halves a token. */
  readonly own: Uint16Array
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
}

/** Binds a verifier to what its engine found. */
export function bindReading(scores: readonly TokenScore[], random: Random): OwnReading {
  const own = joinSketches(scores.map(({ sketch }) => sketch))
  const salt = random.bytes(32)
  return { scores, own, salt, commitment: bindOwnSketches(own, salt) }
}

/** Judges what was read by what the provider opened, and puts this peer's name to it. */
export async function concludeReading(
  { scores, commitment }: OwnReading,
  opened: Openings,
  {
    case: { proven, model },
    info,
    envelope,
    cost,
    at,
    key,
  }: {
    readonly case: CheckCase
    readonly info: EngineInfo
    readonly envelope: Envelope
    readonly cost: BaseUnits
    readonly at: EpochMillis
    readonly key: PrivateKey
  },
): Promise<{ readonly verdict: Verdict; readonly signed: Signed }> {
  const { jobId, provider, head, from, roots } = proven
  const verdict = {
    ...{ jobId, provider, head, model, commitment, cost, at },
    ...judge({ scores, from, roots, opened, envelope }),
    ...{ class: ownClass(info), envelope: envelopeHash(envelope) },
  }
  return { verdict, signed: await signVerdict(verdict, key) }
}
