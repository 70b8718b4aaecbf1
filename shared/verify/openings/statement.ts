import type { PrivateKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import * as v from 'valibot'
import { equalBytes } from '../../base/bytes.ts'
import type { PeerName } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { SketchOpening } from '../../stream/sketch-tree.ts'
import { decode, encode } from '../../wire/codec.ts'
import { bytes } from '../../wire/fields.ts'
import { openSigned, sign, signedSchema, type Signed } from '../../wire/signed.ts'

/** What a provider opened of a job, and what it was asked to. */
export interface Opened {
  /** The link that the job's chain begins with. */
  readonly link: Uint8Array
  /** In rising order. */
  readonly positions: readonly number[]
  readonly openings: readonly SketchOpening[]
}

const statementSchema = v.strictObject({
  link: bytes(32),
  /** SHA-256 of the positions' encoding. */
  asked: bytes(32),
  /** SHA-256 of the openings' encoding. */
  given: bytes(32),
})

/**
 * Puts the provider's name to what it opens. Right openings prove themselves; wrong ones, and ones that leave out what was
 * asked for, could be anybody's, and with this they are the provider's.
 */
export function signOpened(opened: Opened, key: PrivateKey): Promise<Signed> {
  return sign('openings', bodyOf(opened), key)
}

/** @throws InfernetError `verify.bad-openings` with the reason `statement`: the provider did not say this of these openings */
export async function checkStatement(signed: Signed, opened: Opened, provider: PeerName): Promise<void> {
  const said = await openSigned('openings', statementSchema, signed, provider).catch((thrown: unknown) => {
    throw badStatement(thrown)
  })
  const expected = bodyOf(opened)
  const isSame =
    equalBytes(said.link, expected.link) &&
    equalBytes(said.asked, expected.asked) &&
    equalBytes(said.given, expected.given)
  if (!isSame) throw badStatement()
}

/** One as a field of a message: {@link MAX_STATEMENT_BYTES} at most. */
export function statementBytes(signed: Signed): Uint8Array<ArrayBuffer> {
  return encode(signed)
}

/** @throws InfernetError `verify.bad-openings` with the reason `statement` */
export function statementFrom(written: Uint8Array): Signed {
  try {
    return decode(signedSchema, written)
  } catch (thrown) {
    throw badStatement(thrown)
  }
}

/** Three hashes and a signature, with their names. */
export const MAX_STATEMENT_BYTES = 512

function bodyOf({ link, positions, openings }: Opened): v.InferOutput<typeof statementSchema> {
  const hash = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(sha256(encode(value)))
  return { link: new Uint8Array(link), asked: hash(positions), given: hash(openings) }
}

function badStatement(cause?: unknown): InfernetError {
  return new InfernetError('verify.bad-openings', { reason: 'statement' }, { cause })
}
