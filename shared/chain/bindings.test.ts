import { toHex, type Address } from 'viem'
import { beforeAll, describe, expect, it } from 'vitest'
import { chainAddress } from '../base/ids.ts'
import { makeBinding } from '../settle/binding.ts'
import { makePeer, type TestPeer } from '../testing/peers.ts'
import { bindingForChain, signedKeys, type BindingOnChain, type StakeId } from './bindings.ts'

const ID: StakeId = { chainId: 31337, stake: `0x${'51'.repeat(20)}` }
const OPERATOR: Address = `0x${'Ab'.repeat(20)}`
const OTHER: Address = `0x${'0c'.repeat(20)}`

describe('the bindings that the stake contract keeps', () => {
  let first: TestPeer
  let second: TestPeer
  beforeAll(async () => {
    first = await makePeer()
    second = await makePeer()
  })

  const digits = ({ key }: TestPeer): string => toHex(key.publicKey.raw).slice(2)
  async function bind(peer: TestPeer, operator = OPERATOR, { chainId, stake } = ID): Promise<BindingOnChain> {
    const terms = { chainId, stake: chainAddress(stake), operator: chainAddress(operator) }
    return bindingForChain(peer.key.publicKey.raw, await makeBinding(peer.key, terms))
  }

  it('tell the key that was named last, and all before it', async () => {
    const bindings = [await bind(first), await bind(second), await bind(first)]
    expect(await signedKeys(bindings, ID, OPERATOR)).toEqual({
      present: digits(first),
      all: [digits(first), digits(second)],
    })
  })

  it('count for nothing where the key did not sign for this operator, contract and chain', async () => {
    const stranger = await makePeer()
    const forged = { ...(await bind(stranger)), peerKey: toHex(first.key.publicKey.raw) }
    const zeros = { ...forged, r: `0x${'00'.repeat(32)}`, s: `0x${'00'.repeat(32)}` } as const
    const bindings = [
      ...[forged, zeros, await bind(first, OTHER)],
      await bind(first, OPERATOR, { ...ID, chainId: 1 }),
      await bind(first, OPERATOR, { ...ID, stake: OTHER }),
    ]
    expect(await signedKeys(bindings, ID, OPERATOR)).toEqual({ present: undefined, all: [] })
    const later = await signedKeys([await bind(second), forged], ID, OPERATOR)
    expect(later).toEqual({ present: undefined, all: [digits(second)] })
  })

  it('are verified no more than the contract takes, whatever a node says', async () => {
    const bindings = [await bind(second), ...Array.from({ length: 16 }, () => ({ ...unsigned }))]
    expect(await signedKeys(bindings, ID, OPERATOR)).toEqual({ present: undefined, all: [] })
    expect(await signedKeys([], ID, OPERATOR)).toEqual({ present: undefined, all: [] })
  })

  const unsigned: BindingOnChain = { peerKey: '0x07', r: '0x', s: '0x08' }
})
