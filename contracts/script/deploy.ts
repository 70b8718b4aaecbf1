/**
 * Deploys a whole network, by one command or as a function:
 *
 *     INFERNET_DEPLOYER_KEY=0x... node contracts/script/deploy.ts --rpc URL --out network.json [--name base-sepolia]
 *       [--coin ADDRESS] [--governor ADDRESS] [--treasury ADDRESS] [--guardian ADDRESS]
 *       [--timelock-delay SECONDS] [--public-rpc URL] [--explorer URL] [--native-symbol ETH] [--real-money]
 *
 * Without `--coin` a test coin is deployed that anybody may mint, and the network file says that its money is worth
 * nothing: relays may then give it away, and the page makes keys without asking. With a coin that costs something, or
 * `--real-money`, the timelock must wait longer than stake that unbonds; else nothing is deployed.
 */
import { parseArgs } from 'node:util'
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  getAddress,
  http,
  zeroAddress,
  type Abi,
  type Account,
  type Address,
  type Hex,
  type PublicClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { escrowAbi, escrowBytecode } from '#shared/abi/escrow.ts'
import { modelsAbi, modelsBytecode } from '#shared/abi/models.ts'
import { stakeAbi, stakeBytecode } from '#shared/abi/stake.ts'
import { testCoinAbi, testCoinBytecode } from '#shared/abi/test-coin.ts'
import { timelockAbi, timelockBytecode } from '#shared/abi/timelock.ts'
import { tokenAbi, tokenBytecode } from '#shared/abi/token.ts'
import { readCoin } from './coin.ts'
import { decideMoney } from './money.ts'
import { writeNetwork, type Network } from './network.ts'
import {
  coinEscrow,
  ESCROW,
  FOUNDING,
  NOTICE_SECONDS,
  REAL_DELAY_SECONDS,
  STAKE,
  TOKEN,
  type DeployOptions,
} from './parameters.ts'

type Deploy = (name: string, abi: Abi, bytecode: Hex, args: readonly unknown[]) => Promise<Address>

interface Deployer {
  readonly chainId: number
  readonly firstBlock: number
  /** Measured. */
  readonly blockSeconds: number
  readonly deploy: Deploy
  readonly reader: PublicClient
}

const RECEIPT_LIMIT_MS = 180_000
/** A local chain answers at once; a public one should not be asked more often than this. */
const POLLING_MS = { local: 20, public: 1000 }

if (import.meta.main) await main()

/**
 * Seven transactions, one after the other. Nothing is owned by the deployer afterwards; the timelock obeys
 * `options.governor`.
 *
 * @throws before the first of them an Error that says what a network with real money lacks; viem's errors, and an
 * Error that names the contract whose deployment was reverted.
 */
export async function deployNetwork(
  rpcUrl: string,
  account: Account,
  options: DeployOptions = {},
): Promise<Network> {
  const { chainId, firstBlock, blockSeconds, deploy, reader } = await createDeployer(rpcUrl, account)
  const { isTest, delaySeconds } = await decideMoney(reader, options)
  const governor = options.governor ?? account.address
  const timelock = await deploy('TimelockController', timelockAbi, timelockBytecode, [
    BigInt(delaySeconds),
    [governor],
    [governor],
    zeroAddress,
  ])
  const token = await deploy('InfernetToken', tokenAbi, tokenBytecode, [
    timelock,
    TOKEN.cap,
    account.address,
    TOKEN.supply,
  ])
  const models = await deploy('Models', modelsAbi, modelsBytecode, [
    options.noticeSeconds ?? (isTest ? 0 : NOTICE_SECONDS),
    timelock,
    (options.founding ?? FOUNDING).map(({ manifest, name }) => ({
      manifest: `0x${manifest}`,
      name,
      licence: 0,
    })),
  ])
  const stake = await deploy('Stake', stakeAbi, stakeBytecode, [{ token, owner: timelock, ...STAKE }])
  const coin = options.coin ?? (await deploy('TestCoin', testCoinAbi, testCoinBytecode, []))
  const { symbol, decimals } = await readCoin(reader, coin)
  const common = {
    stake,
    models,
    treasury: options.treasury ?? timelock,
    guardian: options.guardian ?? account.address,
  }
  const deployEscrow = (init: object): Promise<Address> =>
    deploy('Escrow', escrowAbi, escrowBytecode, [{ ...common, ...init }])
  const escrow = await deployEscrow({ asset: token, isBurnable: true, ...ESCROW })
  const forCoin = await deployEscrow({ asset: coin, isBurnable: false, ...coinEscrow(decimals) })
  return {
    name: options.name ?? 'Infernet Local',
    chainId,
    rpcUrl: options.publicRpcUrl ?? rpcUrl,
    deployBlock: firstBlock,
    addresses: { timelock, token, models, stake, escrow, coin, coinEscrow: forCoin },
    treasury: common.treasury,
    coinSymbol: symbol,
    coinDecimals: decimals,
    isTest,
    nativeSymbol: options.nativeSymbol ?? 'ETH',
    blockSeconds: options.blockSeconds ?? blockSeconds,
    ...(options.explorer === undefined ? {} : { explorer: options.explorer }),
  }
}

async function createDeployer(rpcUrl: string, account: Account): Promise<Deployer> {
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(rpcUrl).hostname)
  const transport = http(rpcUrl)
  const pollingInterval = isLocal ? POLLING_MS.local : POLLING_MS.public
  const probe = createPublicClient({ transport })
  const [chainId, firstBlock] = await Promise.all([probe.getChainId(), probe.getBlockNumber()])
  const chain = defineChain({
    id: chainId,
    name: String(chainId),
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const reader = createPublicClient({ chain, transport, pollingInterval })
  const wallet = createWalletClient({ chain, transport, account, pollingInterval })
  return {
    chainId,
    firstBlock: Number(firstBlock),
    blockSeconds: await measureBlockSeconds(reader, firstBlock),
    reader,
    async deploy(name, abi, bytecode, args) {
      const hash = await wallet.deployContract({ abi, bytecode, args })
      const receipt = await reader.waitForTransactionReceipt({ hash, timeout: RECEIPT_LIMIT_MS })
      if (receipt.status !== 'success' || !receipt.contractAddress)
        throw new Error(`${name} was not deployed: transaction ${hash} was reverted.`)
      return getAddress(receipt.contractAddress)
    },
  }
}

/** Seconds per block lately, to the hundredth; 1 on a chain that has just begun. */
async function measureBlockSeconds(reader: PublicClient, newest: bigint): Promise<number> {
  const span = newest < 100n ? newest : 100n
  if (span === 0n) return 1
  const [last, first] = await Promise.all([
    reader.getBlock({ blockNumber: newest }),
    reader.getBlock({ blockNumber: newest - span }),
  ])
  const seconds = Number(last.timestamp - first.timestamp) / Number(span)
  return Math.min(600, Math.max(0.05, Math.round(seconds * 100) / 100))
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      rpc: text,
      out: text,
      name: text,
      coin: text,
      governor: text,
      treasury: text,
      guardian: text,
      'timelock-delay': text,
      'public-rpc': text,
      explorer: text,
      'native-symbol': text,
      'real-money': { type: 'boolean' },
    },
  })
  const key = process.env.INFERNET_DEPLOYER_KEY
  if (!values.rpc || !values.out || !key)
    throw new Error('Needed: --rpc URL, --out FILE, and the key in the environment as INFERNET_DEPLOYER_KEY.')
  const address = (value: string | undefined, name: keyof DeployOptions): DeployOptions =>
    value === undefined ? {} : { [name]: getAddress(value) }
  const words = (value: string | undefined, name: keyof DeployOptions): DeployOptions =>
    value === undefined ? {} : { [name]: value }
  const delay = readSeconds(values['timelock-delay'] ?? String(REAL_DELAY_SECONDS))
  const network = await deployNetwork(values.rpc, privateKeyToAccount(key as Hex), {
    timelockDelaySeconds: delay,
    ...words(values.name ?? 'Infernet Test', 'name'),
    ...address(values.coin, 'coin'),
    ...address(values.governor, 'governor'),
    ...address(values.treasury, 'treasury'),
    ...address(values.guardian, 'guardian'),
    ...words(values['public-rpc'], 'publicRpcUrl'),
    ...words(values.explorer, 'explorer'),
    ...words(values['native-symbol'], 'nativeSymbol'),
    ...(values['real-money'] === true ? { isTest: false } : {}),
  })
  writeNetwork(values.out, network)
  const money = network.isTest ? 'test money' : 'real money'
  console.log(`${network.name}: chain ${network.chainId}, ${money}, written to ${values.out}`)
}

/** An empty word would be a delay of nothing. */
function readSeconds(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(seconds)) throw new Error('--timelock-delay is a whole number of seconds.')
  return seconds
}
