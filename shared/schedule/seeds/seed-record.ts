import type { PrivateKey } from '@libp2p/interface'
import * as v from 'valibot'
import { fromHex } from '../../base/bytes.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MAX_FLAT_PIECES } from '../../models/pieces/constants.ts'
import { epochMillisField, integer, line, list, modelHashField } from '../../wire/fields.ts'
import { openSigned, sign, type Signed } from '../../wire/signed.ts'
import { CLOCK_SKEW_MS } from '../constants.ts'
import { MAX_SEED_ADDRESSES, MAX_SEEDED_MODELS, SEEDS_LIFE_MS } from './constants.ts'

/** One model of a record, and how much of it is there. */
export interface SeededModel {
  readonly model: ModelHash
  /** Pieces of it that are held, of so many in all. By the seeder's word. */
  readonly held: number
  readonly pieces: number
}

/** "I pass on these models, and can be reached there, until then", signed by who does. Without models: no more. */
export interface SeedRecord {
  readonly models: readonly SeededModel[]
  /** Multiaddrs to dial, best first. */
  readonly addresses: readonly string[]
  /** Rises with each renewal. */
  readonly sequence: number
  readonly issuedAt: EpochMillis
  /** At most {@link SEEDS_LIFE_MS} after `issuedAt`. */
  readonly expiresAt: EpochMillis
}

/** A record as it travels. */
export interface SignedSeeds {
  readonly peer: PeerName
  readonly seeds: Signed
}

const count = integer(0, MAX_FLAT_PIECES)

const seedRecordSchema = v.strictObject({
  models: list(v.strictObject({ model: modelHashField, held: count, pieces: count }), MAX_SEEDED_MODELS),
  addresses: list(line(400), MAX_SEED_ADDRESSES),
  sequence: integer(1, Number.MAX_SAFE_INTEGER),
  issuedAt: epochMillisField,
  expiresAt: epochMillisField,
})

export function signSeeds({ models, ...rest }: SeedRecord, key: PrivateKey): Promise<Signed> {
  const named = models.map(({ model, held, pieces }) => ({ model: fromHex(model), held, pieces }))
  return sign('seeds', { ...rest, models: named }, key)
}

/**
 * Verifies and reads a record.
 *
 * @throws InfernetError `wire.bad-signature`, `wire.malformed`, or `schedule.seeds-expired`: also for one that claims to
 * come from the future
 */
export async function openSeeds({ peer, seeds }: SignedSeeds, now: EpochMillis): Promise<SeedRecord> {
  const record = await openSigned('seeds', seedRecordSchema, seeds, peer)
  if (record.expiresAt - record.issuedAt > SEEDS_LIFE_MS)
    throw new InfernetError('wire.malformed', { field: 'expiresAt' })
  if (record.models.some(({ held, pieces }) => held > pieces))
    throw new InfernetError('wire.malformed', { field: 'models' })
  if (record.issuedAt > now + CLOCK_SKEW_MS || record.expiresAt <= now)
    throw new InfernetError('schedule.seeds-expired')
  return record
}
