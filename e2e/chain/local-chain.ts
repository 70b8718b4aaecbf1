import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicClient, createTestClient, http, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { parseNetworkFile, type NetworkFile } from '#shared/chain/network-file.ts'
import { holderWords, holdFolder, type FolderHold } from '../../relay/base/folder-hold.ts'
import { systemCode, systemReason } from '../../relay/base/system-reason.ts'
import { LOCAL_BLOCK_SECONDS, LOCAL_CHAIN_ID, startAnvil, type Anvil, type AnvilInit } from './anvil.ts'
import { keepWholeState, prepareState } from './chain-state.ts'

/** Tried at the first start, and kept after it, so that a wallet that was told of the chain finds it again. */
const PREFERRED_PORT = 4631

/** How often a whole copy of the state is taken. */
const COPY_INTERVAL_MS = 5000

/** What the faucet and the relay have for gas: worth nothing, and never used up. */
const GAS_BALANCE = 1_000_000n * 10n ** 18n

const CALL_LIMIT_MS = 5000

/** Puts the contracts on a chain; the key holds gas. */
export interface Deployment {
  /** Changes when the contracts do, so that old ones are not taken for them. */
  readonly contractsHash: string
  deploy(init: { readonly rpcUrl: string; readonly privateKey: Hex }): Promise<NetworkFile>
}

export interface LocalChainInit {
  /** State, keys and the network file stand here from one start to the next. */
  readonly folder: string
  /** The origins of the page, which may then read from the chain without the relay. @default none */
  readonly allowOrigins?: readonly string[]
  /** A port that somebody else is about to take. @default none */
  readonly avoidPort?: number
  readonly trimAfterBytes?: NonNullable<AnvilInit['trimAfterBytes']>
}

/** A chain on this machine with our contracts on it. */
export interface LocalChain {
  readonly network: NetworkFile
  readonly networkFile: string
  /** Keys of its own for each, as files that a relay is given. */
  readonly faucetKeyFile: string
  readonly relayKeyFile: string
  /** Milliseconds that putting the contracts there took; undefined when they already were. */
  readonly deployedInMs: number | undefined
  readonly anvil: Anvil
  stop(): Promise<void>
}

/**
 * Starts the local chain and puts the contracts on it where they are not yet.
 *
 * Throws with what to do: there is no anvil, another start uses the folder, the state cannot be read.
 */
export async function startLocalChain(
  deployment: Deployment,
  { folder, allowOrigins = [], avoidPort, ...trimming }: LocalChainInit,
): Promise<LocalChain> {
  const { tell, release } = hold(folder)
  const stateFile = join(folder, 'state.json')
  let anvil: Anvil | undefined
  try {
    prepareState(stateFile)
    anvil = await startOnKeptPort(folder, avoidPort, (port) =>
      startAnvil({ port, stateFile, allowOrigins, ...trimming }),
    )
    const keys = { faucet: keyFile(folder, 'faucet.key'), relay: keyFile(folder, 'relay.key') }
    await fund(anvil.url, [keys.faucet.key, keys.relay.key])
    const networkFile = join(folder, 'network.json')
    const { network, deployedInMs } = await contractsOn(anvil.url, networkFile, keys.faucet.key, deployment)
    const copying = setInterval(() => keepWholeState(stateFile), COPY_INTERVAL_MS)
    copying.unref()
    const chain = anvil
    tell(chain.url)
    void chain.ended.then(release) // one that was killed holds nothing
    return {
      network,
      networkFile,
      faucetKeyFile: keys.faucet.path,
      relayKeyFile: keys.relay.path,
      deployedInMs,
      anvil,
      stop: async () => {
        clearInterval(copying)
        await chain.stop()
        keepWholeState(stateFile)
        release()
      },
    }
  } catch (thrown) {
    await anvil?.stop()
    release()
    throw thrown
  }
}

/** Two chains that write one state would destroy it. */
function hold(folder: string): FolderHold & { type: 'held' } {
  const held = tryTo(`Making the folder of the local chain, ${folder}, failed`, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return holdFolder(folder)
  })
  if (held.type === 'held') return held
  throw new Error(
    held.type === 'taken'
      ? `The local chain in ${folder} is used by another start (${holderWords(held.by)}). Stop that one first.`
      : `The folder of the local chain, ${folder}, cannot be written (${held.reason}). Nothing in it was changed.`,
  )
}

/** A failure of the disk says what was tried, and what came back. */
function tryTo<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw new Error(`${what} (${systemReason(cause)}). Nothing was changed there.`, { cause })
  }
}

async function startOnKeptPort(
  folder: string,
  avoidPort: number | undefined,
  start: (port: number) => Promise<Anvil>,
): Promise<Anvil> {
  const file = join(folder, 'port')
  const kept = Number(readText(file) ?? PREFERRED_PORT)
  // Taken by another program, or about to be: any free one, which is then the one to keep.
  const anvil = kept === avoidPort ? await start(0) : await start(kept).catch(() => start(0))
  writeFileSync(file, String(anvil.port))
  return anvil
}

function keyFile(folder: string, name: string): { path: string; key: Hex } {
  const path = join(folder, name)
  const known = readText(path)?.trim()
  if (known !== undefined && /^0x[0-9a-f]{64}$/i.test(known)) return { path, key: known as Hex }
  if (known !== undefined)
    throw new Error(
      `The key file ${path} ${known === '' ? 'is empty' : 'holds no key'}. Put back a copy of it, or move it away: ` +
        'the next start then makes another key. Only play money of this local chain is behind it.',
    )
  const key = generatePrivateKey()
  writeWhole(path, `${key}\n`, 0o600)
  return { path, key }
}

async function fund(url: string, keys: readonly Hex[]): Promise<void> {
  const chain = createTestClient({ mode: 'anvil', transport: http(url, { timeout: CALL_LIMIT_MS }) })
  for (const key of keys) await chain.setBalance({ address: privateKeyToAddress(key), value: GAS_BALANCE })
}

/** The contracts of the network file where they stand on this chain, else new ones. */
async function contractsOn(
  rpcUrl: string,
  networkFile: string,
  privateKey: Hex,
  deployment: Deployment,
): Promise<{ network: NetworkFile; deployedInMs: number | undefined }> {
  const hashFile = `${networkFile}.contracts`
  const known = readText(hashFile) === deployment.contractsHash ? readNetwork(networkFile) : undefined
  if (known && (await isDeployed(rpcUrl, known))) {
    const network = { ...known, rpcUrls: [rpcUrl] }
    writeWhole(networkFile, jsonOf(network))
    return { network, deployedInMs: undefined }
  }
  const startedAt = performance.now()
  const network = {
    ...(await deployment.deploy({ rpcUrl, privateKey })),
    rpcUrls: [rpcUrl],
    blockSeconds: LOCAL_BLOCK_SECONDS,
  }
  writeWhole(networkFile, jsonOf(network))
  writeWhole(hashFile, deployment.contractsHash)
  return { network, deployedInMs: Math.round(performance.now() - startedAt) }
}

function readNetwork(path: string): NetworkFile | undefined {
  try {
    return parseNetworkFile(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined // none yet, or of another version: the contracts are put there anew
  }
}

async function isDeployed(rpcUrl: string, { chainId, contracts, escrows }: NetworkFile): Promise<boolean> {
  if (chainId !== LOCAL_CHAIN_ID) return false
  const client = createPublicClient({ transport: http(rpcUrl, { timeout: CALL_LIMIT_MS }) })
  const { timelock, token, models, stake } = contracts
  const addresses = [
    timelock,
    token,
    models,
    stake,
    ...escrows.flatMap(({ asset, escrow }) => [asset, escrow]),
  ]
  const codes = await Promise.all(addresses.map((address) => client.getCode({ address })))
  return codes.every((code) => code !== undefined)
}

const jsonOf = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

/** Whole or not at all: a start may be killed at any time. */
function writeWhole(path: string, text: string, mode = 0o644): void {
  writeFileSync(`${path}.draft`, text, { mode })
  renameSync(`${path}.draft`, path)
}

function readText(path: string): string | undefined {
  return tryTo(`Reading ${path} failed`, () => {
    try {
      return readFileSync(path, 'utf8')
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return undefined
      throw thrown // not "none": what cannot be read is not to be written over
    }
  })
}
