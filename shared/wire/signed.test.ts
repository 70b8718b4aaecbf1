import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { concatBytes, utf8 } from '../base/bytes.ts'
import { peerName } from '../base/ids.ts'
import { makePeer, type TestPeer } from '../testing/peers.ts'
import { encode } from './codec.ts'
import { MAX_SIGNED_BYTES, openSigned, sign, signedSchema, type Signed } from './signed.ts'
import type { SignedNoun } from './versions.ts'

const schema = v.strictObject({ price: v.number(), name: v.string() })
const value = { price: 7, name: 'a lantern' }
const NOUNS: SignedNoun[] = ['offer', 'quote', 'chunk', 'drain', 'relay', 'farewell']

describe('a signed body', () => {
  let peer: TestPeer
  let signed: Signed
  const open = (changes: Partial<Signed> = {}, noun: SignedNoun = 'offer', signer = peer.name) =>
    openSigned(noun, schema, { ...signed, ...changes }, signer)
  const isBad = expect.objectContaining({ code: 'wire.bad-signature', facts: { noun: 'offer' } }) as Error

  beforeAll(async () => {
    peer = await makePeer()
    signed = await sign('offer', value, peer.key)
  })

  it('opens for who knows the signer, and is the exact bytes that were signed', async () => {
    expect(await open()).toEqual(value)
    expect(signed.body).toEqual(encode(value))
    expect(v.is(signedSchema, signed)).toBe(true)
    expect(
      await peer.key.publicKey.verify(concatBytes(utf8('infernet/offer/2'), signed.body), signed.signature),
    ).toBe(true)
  })

  it('is nobody else’s', async () => {
    const other = await makePeer()
    await expect(open({}, 'offer', other.name)).rejects.toEqual(isBad)
    const forged = await sign('offer', value, other.key)
    await expect(open(forged)).rejects.toEqual(isBad)
  })

  it('passes for no other noun', async () => {
    for (const noun of NOUNS.filter((name) => name !== 'offer'))
      await expect(open({}, noun)).rejects.toMatchObject({ code: 'wire.bad-signature', facts: { noun } })
  })

  it('breaks with one flipped bit in any byte of the body or the signature', async () => {
    for (const part of ['body', 'signature'] as const) {
      for (let at = 0; at < signed[part].length; at++) {
        const flipped = Uint8Array.from(signed[part])
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
        await expect(open({ [part]: flipped }), `${part} ${at}`).rejects.toEqual(isBad)
      }
    }
  })

  it('breaks when a byte is added or taken away', async () => {
    await expect(open({ body: concatBytes(signed.body, Uint8Array.of(0)) })).rejects.toEqual(isBad)
    await expect(open({ body: signed.body.subarray(1) })).rejects.toEqual(isBad)
    await expect(open({ signature: signed.signature.subarray(1) })).rejects.toEqual(isBad)
    await expect(open({ signature: new Uint8Array(64) })).rejects.toEqual(isBad)
    await expect(open({ signature: new Uint8Array() })).rejects.toEqual(isBad)
  })

  it('does not hide another encoding of the same value', async () => {
    // The keys in the other order: the same value, other bytes, which nobody signed.
    const turned = Uint8Array.from([...encode({ price: 7 }), ...encode({ name: 'a lantern' }).subarray(1)])
    turned[0] = 0xa2
    await expect(open({ body: turned })).rejects.toEqual(isBad)
  })

  it('is malformed, not forged, when the signer wrote something else', async () => {
    const other = await sign('offer', { price: 'free' }, peer.key)
    await expect(open(other)).rejects.toMatchObject({ code: 'wire.malformed' })
    const odd = Uint8Array.of(0xff)
    const signature = await peer.key.sign(concatBytes(utf8('infernet/offer/2'), odd))
    await expect(open({ body: odd, signature: new Uint8Array(signature) })).rejects.toMatchObject({
      code: 'wire.malformed',
    })
  })

  it.each(['', 'x', '12D3KooW', '1'.repeat(52), '\0', '12D3KooW'.padEnd(52, '1'), 'Qm'.padEnd(46, 'a')])(
    'is not of a signer named %j',
    async (name) => {
      await expect(open({}, 'offer', peerName(name))).rejects.toEqual(isBad)
    },
  )

  it('is not of a peer whose key is of another kind', async () => {
    for (const kind of ['RSA', 'secp256k1'] as const) {
      const key = kind === 'RSA' ? await generateKeyPair('RSA', 1024) : await generateKeyPair('secp256k1')
      const name = peerName(peerIdFromPrivateKey(key).toString())
      await expect(open({}, 'offer', name)).rejects.toEqual(isBad)
      const own = await sign('offer', value, key)
      await expect(openSigned('offer', schema, own, name)).rejects.toEqual(isBad)
    }
  })

  it('has a bound on the wire', () => {
    const signature = new Uint8Array(64)
    expect(v.is(signedSchema, { body: new Uint8Array(MAX_SIGNED_BYTES), signature })).toBe(true)
    expect(v.is(signedSchema, { body: new Uint8Array(MAX_SIGNED_BYTES + 1), signature })).toBe(false)
    expect(v.is(signedSchema, { body: new Uint8Array(), signature: new Uint8Array(63) })).toBe(false)
    expect(v.is(signedSchema, { ...signed, note: 'x' })).toBe(false)
  })
})
