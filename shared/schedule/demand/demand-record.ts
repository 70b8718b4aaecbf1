import type { PrivateKey } from '@libp2p/interface'
import * as v from 'valibot'
import { fromHex } from '../../base/bytes.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import type { EpochMillis } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { decode, encode } from '../../wire/codec.ts'
import { epochMillisField, integer, list, modelHashField } from '../../wire/fields.ts'
import { openSigned, sign, signedSchema } from '../../wire/signed.ts'
import { CLOCK_SKEW_MS } from '../constants.ts'
import { DEMAND_LIFE_MS, MAX_DEMAND_MODELS } from './constants.ts'
import type { ModelDemand } from './demand-meter.ts'

/** What a relay says of one model. */
export interface RecordedDemand extends ModelDemand {
  /** Providers that have it loaded, as far as the relay knows. */
  readonly loaded: number
}

/** Demand travels in whole thousandths of a payer. */
const MILLI = 1000
const thousandths = integer(0, 2 ** 32)

const recordSchema = v.strictObject({
  issuedAt: epochMillisField,
  models: list(
    v.strictTuple([modelHashField, thousandths, thousandths, integer(0, 1 << 24)]),
    MAX_DEMAND_MODELS,
  ),
})

/** A relay's word on what is wanted, signed by its key, in at most `MAX_DEMAND_BYTES`. */
export async function sealDemand(
  models: readonly RecordedDemand[],
  { key, now }: { key: PrivateKey; now: EpochMillis },
): Promise<Uint8Array> {
  const rows = models
    .slice(0, MAX_DEMAND_MODELS)
    .map(({ model, quarter, day, loaded }) => [
      fromHex(model),
      Math.round(quarter * MILLI),
      Math.round(day * MILLI),
      loaded,
    ])
  return encode(await sign('demand', { issuedAt: now, models: rows }, key))
}

/**
 * Verifies and reads a relay's record.
 *
 * @throws InfernetError `wire.bad-signature` when another key signed it, `wire.malformed`: also when it is older than ten
 * minutes, comes from the future, or names a model twice
 */
export async function openDemand(
  bytes: Uint8Array,
  { relay, now }: { relay: PeerName; now: EpochMillis },
): Promise<readonly RecordedDemand[]> {
  const { issuedAt, models } = await openSigned('demand', recordSchema, decode(signedSchema, bytes), relay)
  if (issuedAt > now + CLOCK_SKEW_MS || issuedAt < now - DEMAND_LIFE_MS)
    throw new InfernetError('wire.malformed', { field: 'issuedAt' })
  if (new Set<ModelHash>(models.map(([model]) => model)).size < models.length)
    throw new InfernetError('wire.malformed', { field: 'models' })
  return models.map(([model, quarter, day, loaded]) => ({
    model,
    quarter: quarter / MILLI,
    day: day / MILLI,
    loaded,
  }))
}
