import * as v from 'valibot'
import { amountFromBytes, toHex } from '../base/bytes.ts'
import { chainAddress, jobId, modelHash, type PeerName } from '../base/ids.ts'
import { isPlainLine } from '../base/text-bounds.ts'
import { baseUnits, epochMillis, millis, tokens } from '../base/units.ts'
import { MAX_TOKEN_ID } from './limits.ts'

/** A whole number within bounds, both included. */
export const integer = (min: number, max: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max))

/** A finite number within bounds, both included. */
export const real = (min: number, max: number) =>
  v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max))

/** A byte string of exactly `length` bytes. */
export const bytes = (length: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length === length, 'length'),
  )

/** A byte string of at most `max` bytes. */
export const bytesUpTo = (max: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length <= max, 'length'),
  )

/** One printable line of at most `max` characters: no control characters and no bidirectional overrides. */
export const line = (max: number) =>
  v.pipe(v.string(), v.maxLength(max), v.check(isPlainLine, 'not a plain line'))

/** A list of at most `max` items. */
export const list = <Item extends v.GenericSchema>(item: Item, max: number) =>
  v.pipe(v.array(item), v.maxLength(max))

/** Token ids, each below {@link MAX_TOKEN_ID}; whether it is in the model's vocabulary is the engine's question. */
export const tokenIds = (max: number) =>
  v.pipe(
    v.array(v.number()),
    v.maxLength(max),
    v.check((ids) => ids.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID), 'token id'),
  )

/** Milliseconds since 1970; the bound is the year 2286. */
export const epochMillisField = v.pipe(integer(0, 9_999_999_999_999), v.transform(epochMillis))

/** A span of at most one day. */
export const millisField = v.pipe(integer(0, 86_400_000), v.transform(millis))

/** A count of tokens of at most 2^24. */
export const tokensField = v.pipe(integer(0, 2 ** 24), v.transform(tokens))

/** SHA-256 of a manifest: 32 bytes on the wire, hex in memory. */
export const modelHashField = v.pipe(
  bytes(32),
  v.transform((value) => modelHash(toHex(value))),
)

/** 16 bytes on the wire, hex in memory. */
export const jobIdField = v.pipe(
  bytes(16),
  v.transform((value) => jobId(toHex(value))),
)

/** 20 bytes on the wire, `0x` and hex in memory. */
export const chainAddressField = v.pipe(
  bytes(20),
  v.transform((value) => chainAddress(`0x${toHex(value)}`)),
)

/** Money: big-endian bytes without leading zeros, at most 16 of them (2^128 base units). */
export const amountField = v.pipe(
  bytesUpTo(16),
  v.check((value) => value[0] !== 0, 'leading zero'),
  v.transform((value) => baseUnits(amountFromBytes(value))),
)

/** An Ed25519 peer id in text: base58 of a 36-byte multihash, 52 characters, beginning with 12D3KooW. */
export const peerNameField = v.pipe(
  v.string(),
  v.regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/),
  v.transform((value) => value as PeerName),
)
