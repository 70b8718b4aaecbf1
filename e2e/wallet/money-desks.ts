import { privateKeyToAccount } from 'viem/accounts'
import { parseEther } from 'viem'
import { keyOf } from '../chain/vouchers.ts'
import { sendAs, type MoneyNetwork } from '../fixtures/money-network.ts'
import { erc20Call } from '#shared/chain/calls.ts'
import type { TestChain } from './test-chain.ts'

/** The chain of a network with a relay, for who prepares accounts on it. */
export function testChainOf(money: MoneyNetwork): TestChain {
  const { network, rpcUrl, control, chain } = money
  const rich = privateKeyToAccount(keyOf(chain.faucetKeyFile)).address
  return {
    network,
    rpcUrl,
    control,
    async fund(address, { coin = parseEther('10'), inf = parseEther('1000') } = {}) {
      await control.setBalance({ address, value: coin })
      if (inf === 0n) return
      const { to, data } = erc20Call(network.contracts.token, 'transfer', [address, inf])
      await sendAs(money, rich, to, data)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
