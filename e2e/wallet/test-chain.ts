import {
  createTestClient,
  encodeFunctionData,
  erc20Abi,
  http,
  numberToHex,
  parseEther,
  publicActions,
  type Address,
  type HttpTransport,
  type PublicActions,
  type TestClient,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { startAnvil } from '../../contracts/script/anvil.ts'
import { deployNetwork } from '../../contracts/script/deploy.ts'
import { parseNetworkFile, type NetworkFile } from '#shared/settle/network-file.ts'

/** anvil's own, known to everybody: worth nothing anywhere. */
const DEPLOYER = mnemonicToAccount('test test test test test test test test test test test junk')

export interface TestChain {
  readonly network: NetworkFile
  readonly rpcUrl: string
  /** anvil's own calls: time, mining, snapshots. */
  readonly control: Control
  /** Coin for gas and INF for that address. */
  fund(address: Address, amounts?: { readonly coin?: bigint; readonly inf?: bigint }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A chain of its own with our contracts on it; a block comes with each transaction. */
export async function startTestChain(): Promise<TestChain> {
  const anvil = await startAnvil()
  const { name, chainId, deployBlock, addresses } = await deployNetwork(anvil.rpcUrl, DEPLOYER)
  const { escrow, coin, coinEscrow, timelock, token, models, stake } = addresses
  const network = parseNetworkFile({
    version: 1,
    name,
    chainId,
    rpcUrls: [anvil.rpcUrl],
    isTest: true,
    nativeSymbol: 'ETH',
    blockSeconds: 0.2,
    deployBlock,
    contracts: { timelock, token, models, stake, treasury: timelock },
    escrows: [
      { asset: token, escrow, symbol: 'INF', decimals: 18, usdHint: 0.01 },
      { asset: coin, escrow: coinEscrow, symbol: 'tUSD', decimals: 6, usdHint: 1 },
    ],
  })
  const control = controlOf(anvil.rpcUrl)
  return {
    network,
    rpcUrl: anvil.rpcUrl,
    control,
    async fund(address, { coin: gas = parseEther('10'), inf = parseEther('1000') } = {}) {
      await control.setBalance({ address, value: gas })
      if (inf === 0n) return
      const data = encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [address, inf] })
      const hash = await control.request({
        method: 'eth_sendTransaction',
        params: [{ from: DEPLOYER.address, to: token, data, gas: numberToHex(200_000) }],
      } as never)
      await control.waitForTransactionReceipt({ hash: hash })
    },
    [Symbol.asyncDispose]: () => anvil.stop(),
  }
}

type Control = TestClient<'anvil', HttpTransport> & PublicActions<HttpTransport>

function controlOf(rpcUrl: string): Control {
  const client = createTestClient({ mode: 'anvil', transport: http(rpcUrl), pollingInterval: 20 })
  return client.extend(publicActions)
}
