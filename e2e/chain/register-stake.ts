import { readFileSync } from 'node:fs'
import { erc20Abi, parseEther, type Hex } from 'viem'
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { chainAddress } from '#shared/base/ids.ts'
import { bindingForChain } from '#shared/chain/bindings.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import type { TestPeer } from '#shared/testing/peers.ts'
import type { TestChain } from './test-chain.ts'

/** Who deployed the contracts, and has all tokens. */
export function deployerOf(chain: TestChain): PrivateKeyAccount {
  return privateKeyToAccount(readFileSync(chain.chain.faucetKeyFile, 'utf8').trim() as Hex)
}

/**
 * Makes an operator with so much INF at work that names the peer's key.
 *
 * @param signer who signs for it: the peer itself, unless a stranger names somebody's key
 */
export async function registerStake(
  chain: TestChain,
  peer: Pick<TestPeer, 'key'>,
  amount = '100',
  signer = peer,
): Promise<PrivateKeyAccount> {
  const operator = await chain.account()
  const wallet = chain.wallet(operator)
  const token = { address: chain.network.contracts.token, abi: erc20Abi } as const
  const stake = { address: chain.network.contracts.stake, abi: stakeAbi } as const
  const id = { chainId: chain.network.chainId, stake: chainAddress(stake.address) }
  const units = parseEther(amount)
  await chain
    .wallet(deployerOf(chain))
    .writeContract({ ...token, functionName: 'transfer', args: [operator.address, units] })
  await wallet.writeContract({ ...token, functionName: 'approve', args: [stake.address, units] })
  const terms = { ...id, operator: chainAddress(operator.address) }
  const binding = bindingForChain(peer.key.publicKey.raw, await makeBinding(signer.key, terms))
  const hash = await wallet.writeContract({ ...stake, functionName: 'register', args: [binding, units] })
  const { status } = await chain.client.waitForTransactionReceipt({ hash })
  if (status !== 'success') throw new Error('the stake was not taken')
  return operator
}
