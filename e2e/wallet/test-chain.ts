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
import { toNetworkFile } from '../../contracts/script/network.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'

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
  const network = {
    ...toNetworkFile(await deployNetwork(anvil.rpcUrl, DEPLOYER, { isTest: true })),
    blockSeconds: 0.2,
  }
  const { token } = network.contracts
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
