import type { PrivateKey } from '@libp2p/interface'
import * as v from 'valibot'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { epochMillis, type EpochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { decode, encode } from '#shared/wire/codec.ts'
import { epochMillisField, integer, line, list, peerNameField } from '#shared/wire/fields.ts'
import { openSigned, sign, signedSchema } from '#shared/wire/signed.ts'
import {
  MAX_ADDRESS_CHARACTERS,
  MAX_RECORD_ADDRESSES,
  RECORD_CLOCK_SKEW_MS,
  RELAY_RECORD_LIFE_MS,
} from '../base/limits.ts'
import { parseSocketAddress } from '../base/socket-address.ts'

const recordSchema = v.strictObject({
  /** Where tabs and relays can dial it, best first, each ending in its peer id. */
  addresses: list(line(MAX_ADDRESS_CHARACTERS), MAX_RECORD_ADDRESSES),
  issuedAt: epochMillisField,
  expiresAt: epochMillisField,
  /** Rises with each record, also over a restart, so that an old one cannot be replayed. */
  sequence: integer(0, Number.MAX_SAFE_INTEGER),
})
export type RelayRecord = v.InferOutput<typeof recordSchema>

const messageSchema = v.strictObject({ relay: peerNameField, record: signedSchema })

/** "I am a relay and can be dialled there", signed by the relay, as bytes for the gossip. */
export async function sealRelayRecord(
  key: PrivateKey,
  relay: PeerName,
  { addresses, now }: { addresses: readonly string[]; now: EpochMillis },
): Promise<Uint8Array> {
  const record = {
    addresses: addresses.slice(0, MAX_RECORD_ADDRESSES),
    issuedAt: now,
    expiresAt: epochMillis(now + RELAY_RECORD_LIFE_MS),
    sequence: now, // milliseconds since 1970 rise over a restart without being kept anywhere
  } satisfies RelayRecord
  return encode({ relay, record: await sign('relay', record, key) })
}

/**
 * Opens the record of the relay that published it.
 *
 * @throws InfernetError `wire.malformed` or `wire.bad-signature` for what no honest relay sends, `schedule.offer-expired`
 * for what came late.
 */
export async function openRelayRecord(
  message: Uint8Array,
  from: PeerName,
  now: EpochMillis,
): Promise<RelayRecord> {
  const { relay, record: signed } = decode(messageSchema, message)
  if (relay !== from) throw new InfernetError('wire.bad-signature', { noun: 'relay' })
  const record = await openSigned('relay', recordSchema, signed, peerName(relay))
  const life = record.expiresAt - record.issuedAt
  if (life <= 0 || life > RELAY_RECORD_LIFE_MS)
    throw new InfernetError('wire.malformed', { field: 'expiresAt' })
  if (!record.addresses.every((address) => parseSocketAddress(address)?.peer === relay))
    throw new InfernetError('wire.malformed', { field: 'addresses' })
  if (record.expiresAt <= now || record.issuedAt > now + RECORD_CLOCK_SKEW_MS)
    throw new InfernetError('schedule.offer-expired')
  return record
}
