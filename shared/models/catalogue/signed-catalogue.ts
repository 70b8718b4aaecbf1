import type { PrivateKey } from '@libp2p/interface'
import * as v from 'valibot'
import { fromHex, toHex, utf8 } from '../../base/bytes.ts'
import { peerName, type PeerName } from '../../base/ids.ts'
import { peerNameField } from '../../wire/fields.ts'
import { openSignedBytes, signBytes } from '../../wire/signed.ts'
import { badCatalogue, MAX_CATALOGUE_LENGTH, parseCatalogue, type Catalogue } from './catalogue.ts'

/** The list inside is text, whose quotes are escaped; around it stand a name and a signature. */
export const MAX_SIGNED_CATALOGUE_BYTES = 2 * MAX_CATALOGUE_LENGTH

/**
 * `/catalogue.json` as a relay serves it: the exact text that was signed, so that nothing is written again to be verified.
 *
 * A list has no age, and an old one can be shown again. A page reads it from whoever served the page, over the same
 * line: who could change one could change the other, so an age would keep out nobody. What an old list can do is name
 * a model that was taken off it since, whose bytes are still those of its hash.
 */
const schema = v.strictObject({
  /** Whose list it is. A signature makes it theirs and nothing more: it only proposes. */
  signer: peerNameField,
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
  catalogue: v.pipe(v.string(), v.maxLength(MAX_CATALOGUE_LENGTH)),
})

/** A list whose signer is known. */
export interface SignedCatalogue extends Catalogue {
  readonly signer: PeerName
}

/** Signs the text of a list, for others to read. */
export async function signCatalogue(text: string, key: PrivateKey): Promise<string> {
  const signature = toHex(await signBytes('proposal', utf8(text), key))
  return `${JSON.stringify({ signer: peerName(key.publicKey.toString()), signature, catalogue: text })}\n`
}

/**
 * Reads what {@link signCatalogue} wrote.
 *
 * @throws InfernetError `models.bad-catalogue` when it is too long or cannot be read, `wire.bad-signature` when whoever
 * is named did not sign it
 */
export async function openCatalogue(text: string): Promise<SignedCatalogue> {
  if (text.length > MAX_SIGNED_CATALOGUE_BYTES) throw badCatalogue('it is too long')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw badCatalogue('it is no JSON', cause)
  }
  const read = v.safeParse(schema, parsed)
  if (!read.success) throw badCatalogue('its envelope cannot be read')
  const { signer, signature, catalogue } = read.output
  await openSignedBytes('proposal', { body: utf8(catalogue), signature: fromHex(signature) }, signer)
  return { ...parseCatalogue(catalogue), signer }
}
