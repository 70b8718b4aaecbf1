import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { sign } from '../../wire/signed.ts'
import { MAX_SIGNED_CATALOGUE_BYTES, openCatalogue, signCatalogue } from './signed-catalogue.ts'
import { catalogueOf, entryOf } from './testing/entries.ts'

const key = await generateKeyPair('Ed25519')
const other = await generateKeyPair('Ed25519')
const text = catalogueOf([entryOf({})])
const signed = await signCatalogue(text, key)
const changed = (change: object): string => JSON.stringify({ ...(JSON.parse(signed) as object), ...change })

it('is read under the name of who signed it', async () => {
  expect(await openCatalogue(signed)).toEqual({
    signer: key.publicKey.toString(),
    entries: [entryOf({})],
    refused: [],
  })
})

it('is nobody else’s, nor any other text', async () => {
  for (const change of [
    { signer: other.publicKey.toString() },
    { signature: '00'.repeat(64) },
    { catalogue: text.replace('Tiny', 'Tinx') },
  ])
    await expect(openCatalogue(changed(change))).rejects.toMatchObject({ code: 'wire.bad-signature' })
})

it('cannot be made from what the same key signed for another purpose', async () => {
  const { signature } = await sign('relay', text, key)
  const hex = Buffer.from(signature).toString('hex')
  await expect(openCatalogue(changed({ signature: hex }))).rejects.toMatchObject({
    code: 'wire.bad-signature',
  })
  expect(utf8(text).length).toBeGreaterThan(0)
})

it.each([
  ['no JSON', 'not at all', 'it is no JSON'],
  ['HTML', '<!doctype html>', 'it is no JSON'],
  ['another form', '{}', 'its envelope cannot be read'],
  ['an unknown field', changed({ more: 1 }), 'its envelope cannot be read'],
  ['too long', ' '.repeat(MAX_SIGNED_CATALOGUE_BYTES + 1), 'it is too long'],
])('refuses %s', async (_, wrong, reason) => {
  await expect(openCatalogue(wrong)).rejects.toMatchObject({
    code: 'models.bad-catalogue',
    facts: { reason },
  })
})
