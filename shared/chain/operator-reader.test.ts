import { toHex, type Address } from 'viem'
import { expect, it } from 'vitest'
import { chainAddress } from '../base/ids.ts'
import { makeBinding } from '../settle/binding.ts'
import { makePeer } from '../testing/peers.ts'
import { bindingForChain, type BindingOnChain, type StakeId } from './bindings.ts'
import { operatorReader } from './operator-reader.ts'
import type { ReadingClient } from './reads.ts'

const ID: StakeId = { chainId: 31337, stake: `0x${'51'.repeat(20)}` }
const OPERATOR: Address = `0x${'ab'.repeat(20)}`
const [ACTIVE, JAILED] = [1, 2]

const accountAt = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}`

it('reads 32 that are jailed with a key, and misses the one behind them', async () => {
  const { key } = await makePeer()
  const bind = async (operator: Address): Promise<BindingOnChain> => {
    const terms = { ...ID, stake: chainAddress(ID.stake), operator: chainAddress(operator) }
    return bindingForChain(key.publicKey.raw, await makeBinding(key, terms))
  }
  const unsigned: BindingOnChain = { peerKey: toHex(key.publicKey.raw), r: '0x00', s: '0x00' }
  const readBehind = async (before: number): Promise<boolean | undefined> => {
    const signer = accountAt(before + 1)
    const jailed = [...Array.from({ length: before }, (_, i) => accountAt(i + 1)), signer]
    const signed = new Map([OPERATOR, signer].map((each) => [each, bind(each)]))
    const answers: Record<string, (operator: Address) => unknown> = {
      isActive: () => true,
      bindingsOf: async (operator: Address) => [(await signed.get(operator)) ?? unsigned],
      operatorOf: (operator: Address) => ({
        ...{ stake: 100n, unbonding: 0n, unbondAt: 0 },
        state: operator === OPERATOR ? ACTIVE : JAILED,
      }),
      jailedWith: () => jailed,
    }
    const readContract = ({ functionName, args }: { functionName: string; args: [Address] }) =>
      Promise.resolve(answers[functionName]?.(...args))
    const client = { readContract } as unknown as ReadingClient
    const { signal } = new AbortController()
    return (await operatorReader(client, ID)(chainAddress(OPERATOR), { signal }))?.isActive
  }
  expect([await readBehind(0), await readBehind(31), await readBehind(32)]).toEqual([false, false, true])
})
