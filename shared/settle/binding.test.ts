import { beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { chainAddress, peerName } from '../base/ids.ts'
import { makePeer, type TestPeer } from '../testing/peers.ts'
import { keyVerifiesBinding, makeBinding, verifiesBinding } from './binding.ts'

const terms = {
  chainId: 31337,
  stake: chainAddress(`0x${'51'.repeat(20)}`),
  operator: chainAddress(`0x${'0b'.repeat(20)}`),
}

describe('the binding of a peer to its operator', () => {
  let peer: TestPeer
  let binding: Uint8Array
  beforeAll(async () => {
    peer = await makePeer()
    binding = await makeBinding(peer.key, terms)
  })

  it('is 64 bytes that the peer’s key made', async () => {
    expect(binding).toHaveLength(64)
    expect(await verifiesBinding(binding, terms, peer.name)).toBe(true)
  })

  it('holds for no other chain, contract, operator or peer', async () => {
    const other = chainAddress(`0x${'77'.repeat(20)}`)
    for (const change of [{ chainId: 1 }, { stake: other }, { operator: other }])
      expect(await verifiesBinding(binding, { ...terms, ...change }, peer.name)).toBe(false)
    expect(await verifiesBinding(binding, terms, (await makePeer()).name)).toBe(false)
  })

  it('is verified by the raw key alone, as the stake contract keeps it', async () => {
    const raw = toHex(peer.key.publicKey.raw)
    expect(await keyVerifiesBinding(binding, terms, raw)).toBe(true)
    const other = toHex((await makePeer()).key.publicKey.raw)
    for (const key of [other, '00'.repeat(32), 'ff'.repeat(32), raw.slice(2), `${raw}00`, '', 'no hex'])
      expect(await keyVerifiesBinding(binding, terms, key), key).toBe(false)
    expect(await keyVerifiesBinding(new Uint8Array(64), terms, raw)).toBe(false)
  })

  it('is refused without a throw when bytes or name are nonsense', async () => {
    expect(await verifiesBinding(new Uint8Array(3), terms, peer.name)).toBe(false)
    expect(await verifiesBinding(binding, terms, peerName('nobody'))).toBe(false)
  })
})
