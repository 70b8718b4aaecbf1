import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import * as v from 'valibot'
import { concatBytes, utf8 } from '../base/bytes.ts'
import type { PeerName } from '../base/ids.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode, encode } from './codec.ts'
import { bytes, bytesUpTo } from './fields.ts'
import { tagOf, type SignedNoun } from './versions.ts'

/** A signed body is small: offers, quotes and chunks all stay far below. @internal */
export const MAX_SIGNED_BYTES = 8192

/** The exact bytes that were signed, and the signature over `infernet/<noun>/<version>` followed by them. */
export const signedSchema = v.strictObject({ body: bytesUpTo(MAX_SIGNED_BYTES), signature: bytes(64) })
export type Signed = v.InferOutput<typeof signedSchema>

/** Encodes `value` once and signs these bytes. Nothing is ever encoded again to be verified. */
export async function sign(noun: SignedNoun, value: unknown, key: PrivateKey): Promise<Signed> {
  const body = encode(value)
  return { body, signature: await signBytes(noun, body, key) }
}

/** Signs bytes that have a form of their own. */
export async function signBytes(
  noun: SignedNoun,
  body: Uint8Array,
  key: PrivateKey,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await key.sign(signedBytes(noun, body)))
}

/**
 * Verifies the signature by the key inside the peer's name, then decodes the body.
 *
 * @throws InfernetError `wire.bad-signature` when another key signed or a bit changed, `wire.malformed` when the
 * body does not fit `schema`.
 */
export async function openSigned<Schema extends v.GenericSchema>(
  noun: SignedNoun,
  schema: Schema,
  signed: Signed,
  signer: PeerName,
): Promise<v.InferOutput<Schema>> {
  await openSignedBytes(noun, signed, signer)
  return decode(schema, signed.body)
}

/**
 * Verifies bytes that have a form of their own by the key inside the peer's name.
 *
 * @throws InfernetError `wire.bad-signature`
 */
export async function openSignedBytes(noun: SignedNoun, signed: Signed, signer: PeerName): Promise<void> {
  if (!(await verifies(noun, signed, signer))) throw new InfernetError('wire.bad-signature', { noun })
}

async function verifies(noun: SignedNoun, { body, signature }: Signed, signer: PeerName): Promise<boolean> {
  try {
    const key = peerIdFromString(signer).publicKey
    return key?.type === 'Ed25519' && (await key.verify(signedBytes(noun, body), signature))
  } catch {
    return false // not a peer id at all: nobody can have signed in its name
  }
}

function signedBytes(noun: SignedNoun, body: Uint8Array): Uint8Array {
  return concatBytes(utf8(tagOf('signed', noun)), body)
}
