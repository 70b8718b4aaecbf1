import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, http, publicActions, type Address, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseNetworkFile, type NetworkFile } from '#shared/chain/network-file.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { keepWholeState } from './chain-state.ts'
import { findAnvil } from './find-anvil.ts'
import { ourContracts } from './our-contracts.ts'
import { childrenOf, killChain } from './kill-chain.ts'
import { startLocalChain, type Deployment, type LocalChain } from './local-chain.ts'

let folder: string
const running: LocalChain[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'infernet-chain-'))
})
afterEach(async () => {
  for (const chain of running.splice(0)) await chain.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Seven contracts that do nothing but are there: what is tested here is the chain under them. */
function smallDeployment(contractsHash = 'a'): Deployment & { count: number } {
  const deployment = {
    contractsHash,
    count: 0,
    async deploy({ rpcUrl, privateKey }: { rpcUrl: string; privateKey: Hex }) {
      deployment.count++
      const client = createWalletClient({
        account: privateKeyToAccount(privateKey),
        transport: http(rpcUrl),
      }).extend(publicActions)
      const put = async (): Promise<Address> => {
        // Returns one byte of code.
        const hash = await client.deployContract({ abi: [], bytecode: '0x600160005360016000f3', chain: null })
        const { contractAddress } = await client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
        return contractAddress ?? '0x'
      }
      const [timelock, token, models, stake, escrow] = [
        await put(),
        await put(),
        await put(),
        await put(),
        await put(),
      ]
      return {
        ...{ version: 1, name: 'Test', chainId: 31_337, rpcUrls: [], isTest: true, nativeSymbol: 'ETH' },
        ...{
          blockSeconds: 1,
          deployBlock: 0,
          contracts: { timelock, token, models, stake, treasury: timelock },
        },
        escrows: [{ asset: token, escrow, symbol: 'INF', decimals: 18 }],
      } as NetworkFile
    },
  }
  return deployment
}

async function start(deployment: Deployment): Promise<LocalChain> {
  const chain = await startLocalChain(deployment, { folder })
  running.push(chain)
  return chain
}

async function send(chain: LocalChain): Promise<Hex> {
  const client = createWalletClient({
    account: privateKeyToAccount(readFileSync(chain.faucetKeyFile, 'utf8').trim() as Hex),
    transport: http(chain.anvil.url),
  })
  return client.sendTransaction({ to: '0x00000000000000000000000000000000000000aa', value: 5n, chain: null })
}

const read = (chain: LocalChain) => createPublicClient({ transport: http(chain.anvil.url) })

const hasAnvil = findAnvil() !== undefined

test.runIf(hasAnvil)('contracts, money, receipts and the port stay from one start to the next', async () => {
  const deployment = smallDeployment()
  const first = await start(deployment)
  const hash = await send(first)
  running.splice(0)
  await first.stop()
  const second = await start(deployment)
  expect(deployment.count).toBe(1)
  expect(second.deployedInMs).toBeUndefined()
  expect(second.network).toEqual(first.network)
  expect(second.anvil.port).toBe(first.anvil.port)
  expect((await read(second).getTransactionReceipt({ hash })).status).toBe('success')
  expect(await read(second).getBalance({ address: '0x00000000000000000000000000000000000000aa' })).toBe(5n)
})

test.runIf(hasAnvil)('a chain that is killed goes on where it was', async () => {
  const deployment = smallDeployment()
  const first = await start(deployment)
  const hash = await send(first)
  const stateFile = join(folder, 'state.json')
  // Whole, and copied: the kill may come in the middle of the next writing.
  await until(
    'the state to hold it',
    () => keepWholeState(stateFile) && readFileSync(`${stateFile}.whole`, 'utf8').includes(hash),
  )
  await killChain(first)
  running.splice(running.indexOf(first), 1)
  const second = await start(deployment)
  expect(deployment.count).toBe(1)
  expect((await read(second).getTransactionReceipt({ hash })).status).toBe('success')
})

test.runIf(hasAnvil)(
  'a state that was cut while it was written is replaced by the last whole one',
  async () => {
    const deployment = smallDeployment()
    const first = await start(deployment)
    const hash = await send(first)
    running.splice(0)
    await first.stop()
    const stateFile = join(folder, 'state.json')
    truncateSync(stateFile, 100)
    const second = await start(deployment)
    expect(deployment.count).toBe(1)
    expect((await read(second).getTransactionReceipt({ hash })).status).toBe('success')
    running.splice(0)
    await second.stop()
    for (const name of ['state.json', 'state.json.whole']) writeFileSync(join(folder, name), '{')
    await expect(start(deployment)).rejects.toThrow(/is damaged, and so is its copy\. Nothing was changed\./)
  },
)

test.runIf(hasAnvil)('changed contracts are put there anew, and so are ones that are not there', async () => {
  const first = await start(smallDeployment('a'))
  running.splice(0)
  await first.stop()
  const second = await start(smallDeployment('b'))
  expect(second.deployedInMs).toBeGreaterThan(0)
  expect(second.network.contracts).not.toEqual(first.network.contracts)
  running.splice(0)
  await second.stop()
  for (const name of ['state.json', 'state.json.whole']) rmSync(join(folder, name))
  expect((await start(smallDeployment('b'))).deployedInMs).toBeGreaterThan(0)
})

test.runIf(hasAnvil)('the chain ends with who started it, also when that is killed', async () => {
  const module = new URL('anvil.ts', import.meta.url).href
  const script = `const { startAnvil } = await import('${module}'); console.log((await startAnvil()).pid)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = (await once(parent.stdout, 'data')) as [Buffer]
  const pids = [Number(printed.toString()), ...childrenOf(Number(printed.toString()))]
  expect(pids).toHaveLength(2)
  expect(pids.every((pid) => existsSync(`/proc/${pid}`))).toBe(true)
  parent.kill('SIGKILL')
  await until('keeper and chain to be gone', () => pids.every((pid) => !existsSync(`/proc/${pid}`)))
})

test.runIf(hasAnvil)('a second start on the same folder is refused in words', async () => {
  const { anvil } = await start(smallDeployment())
  await expect(start(smallDeployment())).rejects.toThrow(
    `The local chain in ${folder} is used by another start (process ${process.pid} at ${anvil.url}). Stop that one first.`,
  )
})

test.runIf(hasAnvil)('the chain leaves the port alone that the page will have', async () => {
  const first = await start(smallDeployment())
  const { port } = first.anvil
  running.splice(0)
  await first.stop()
  const second = await startLocalChain(smallDeployment(), { folder, avoidPort: port })
  running.push(second)
  expect(second.anvil.port).not.toBe(port)
  expect(second.network.rpcUrls).toEqual([second.anvil.url])
})

test.runIf(hasAnvil)('our own contracts are on it, in the file that page and relay read', async () => {
  const chain = await start(ourContracts)
  console.log(`the contracts were deployed in ${chain.deployedInMs} ms`)
  expect(parseNetworkFile(JSON.parse(readFileSync(chain.networkFile, 'utf8')))).toEqual(chain.network)
  expect(chain.network).toMatchObject({ name: 'Infernet Local', chainId: 31_337, isTest: true })
  const [inf, coin] = chain.network.escrows
  expect([inf?.symbol, inf?.decimals, coin?.symbol, coin?.decimals]).toEqual(['INF', 18, 'tUSD', 6])
})

test('what it cannot read or write is told with what came back, and nothing is written over', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(startLocalChain(smallDeployment(), { folder: join(folder, 'file') })).rejects.toThrow(
    /^Making the folder of the local chain, \S+, failed \(EEXIST: file already exists\)/,
  )
  mkdirSync(join(folder, 'state.json'))
  await expect(start(smallDeployment())).rejects.toThrow(
    `Reading ${join(folder, 'state.json')} failed (EISDIR: illegal operation on a directory). The file was not changed.`,
  )
})

test.runIf(hasAnvil)('an empty key file is told of in words, and left as it is', async () => {
  writeFileSync(join(folder, 'relay.key'), '')
  await expect(start(smallDeployment())).rejects.toThrow(
    `The key file ${join(folder, 'relay.key')} is empty. Put back a copy of it, or move it away: the next start then makes another key. Only play money of this local chain is behind it.`,
  )
  expect(readFileSync(join(folder, 'relay.key'), 'utf8')).toBe('')
})

test.runIf(hasAnvil)(
  'a state that has grown is trimmed behind the same port, and no receipt is lost',
  async () => {
    const chain = await startLocalChain(smallDeployment(), { folder, trimAfterBytes: 100_000 })
    running.push(chain)
    const { port, pid } = chain.anvil
    const before = childrenOf(pid)
    const hashes: Hex[] = []
    const isAnew = (): boolean =>
      existsSync(`/proc/${pid}`) && !childrenOf(pid).some((each) => before.includes(each))
    await until('another anvil in its place', async () => {
      // Whoever meets the pause between two asks again, as all our senders do.
      await send(chain).then(
        (hash) => hashes.push(hash),
        () => undefined,
      )
      return isAnew()
    })
    const receipt = async (hash: Hex) => (await read(chain).getTransactionReceipt({ hash })).status
    await until('it to answer', () =>
      read(chain)
        .getBlockNumber()
        .then(
          () => true,
          () => false,
        ),
    )
    expect(chain.anvil.port).toBe(port)
    expect(await receipt(hashes[0] ?? '0x')).toBe('success')
    const kept = await Promise.all(hashes.slice(0, 20).map(receipt))
    expect(new Set(kept)).toEqual(new Set(['success']))
    const state = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as {
      transactions: { info: { traces: unknown[] } }[]
    }
    const traced = state.transactions.filter(({ info }) => info.traces.length > 0)
    expect(traced.length, 'only those after it have a trace').toBeLessThan(hashes.length)
  },
)
