import { encodeAbiParameters, encodeEventTopics, keccak256, stringToBytes, toHex, type Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelsAbi } from '#shared/abi/models.ts'
import { modelHash } from '#shared/base/ids.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createLog } from '../observe/log.ts'
import { someNetwork } from '../testing/chain-fixtures.ts'
import { blockAt, CHAIN_ID, startFakeChain, type FakeChain } from '../testing/fake-chain.ts'
import { createChainClient } from './chain-client.ts'
import { ChainHead } from './chain-head.ts'
import { ChainNode } from './chain-node.ts'
import { MAX_BLOCK_FAILURES, MAX_LOG_BLOCKS, MAX_NOTED_PUBLICATIONS } from './limits.ts'
import { PublicationWatch } from './publication-watch.ts'

const network = someNetwork()
const log = createLog('silent')
const hashOf = (n: number): Hex => toHex(n, { size: 32 })
const PUBLISHER: Hex = `0x${'b2'.repeat(20)}`
const TYPES = [{ type: 'string' }, { type: 'uint8' }, { type: 'uint16' }, { type: 'address' }] as const

function logOf(n: number, address: string = network.contracts.models): unknown {
  const name = `m${n}`
  const nameHash = keccak256(stringToBytes(name))
  const args = { manifest: hashOf(n), nameHash, publisher: PUBLISHER }
  const topics = encodeEventTopics({ abi: modelsAbi, eventName: 'Published', args })
  return { address, topics, data: encodeAbiParameters(TYPES, [name, 1, 500, PUBLISHER]) }
}

interface Filter {
  readonly fromBlock: Hex
  readonly toBlock: Hex
}

describe('the watch over the models contract', () => {
  let chain: FakeChain
  let watch: PublicationWatch
  beforeEach(async () => {
    chain = await startFakeChain()
    const node = new ChainNode({ clock: realClock, log }, { chainId: CHAIN_ID, urls: [chain.url] })
    const head = new ChainHead({ node, clock: realClock }, network)
    watch = new PublicationWatch(
      { node, client: createChainClient(node), head, clock: realClock, log },
      network,
    )
  })
  afterEach(() => chain[Symbol.asyncDispose]())
  const names = (): string[] => watch.noted.map(({ name }) => name)
  const spans = (): number[] =>
    chain.calls.flatMap(({ method, params: [filter] }) => {
      if (method !== 'eth_getLogs') return []
      const { fromBlock, toBlock } = filter as Filter
      return [Number(toBlock) - Number(fromBlock) + 1]
    })

  it('notes what the logs name, the newest first, and takes nothing of other contracts', async () => {
    chain.set({ eth_getLogs: () => [logOf(1), logOf(9, network.contracts.stake), logOf(2), { topics: [] }] })
    await watch.look()
    expect(names()).toEqual([])
    chain.set({ eth_getLogs: () => [logOf(1), logOf(9, network.contracts.stake), logOf(2), logOf(1)] })
    await watch.look()
    expect(names()).toEqual(['m2', 'm1'])
    expect(watch.noted[1]?.model).toBe(modelHash(hashOf(1).slice(2)))
  })

  it('remembers so many of what a stranger writes, and never forgets what must stay', async () => {
    watch.keep((model) => model === modelHash(hashOf(1).slice(2)))
    let next = 1
    // As many as one answer may hold.
    const some = (): unknown[] => Array.from({ length: 1000 }, () => logOf(next++))
    chain.set({ eth_getLogs: some, eth_getBlockByNumber: () => blockAt(40_000) })
    for (let look = 0; look < 2; look++) await watch.look()
    expect(next).toBeGreaterThan(MAX_NOTED_PUBLICATIONS + 1000)
    expect(watch.noted).toHaveLength(MAX_NOTED_PUBLICATIONS)
    expect(names().at(-1)).toBe('m1')
    expect(names()[0]).toBe(`m${next - 1}`)
  })

  it('asks for fewer blocks where an endpoint refuses so many, and for more again', async () => {
    chain.set({
      eth_getBlockByNumber: () => blockAt(MAX_LOG_BLOCKS * 3),
      eth_getLogs: ([filter]) => {
        const { fromBlock, toBlock } = filter as Filter
        if (Number(toBlock) - Number(fromBlock) >= 500) throw { code: -32005, message: 'too many blocks' } // eslint-disable-line @typescript-eslint/only-throw-error
        return Number(fromBlock) <= 5000 && Number(toBlock) >= 5000 ? [logOf(5)] : []
      },
    })
    for (let look = 0; look < 40 && names().length === 0; look++) await watch.look().catch(() => undefined)
    expect(names()).toEqual(['m5'])
    expect(Math.max(...spans())).toBe(MAX_LOG_BLOCKS)
    expect(spans()).toContain(500)
  })

  it('passes over a block with more than can be read: what comes after it is found', async () => {
    const rubbish = Array.from({ length: 2000 }, (_, i) => logOf(100_000 + i))
    chain.set({
      eth_getBlockByNumber: () => blockAt(300),
      eth_getLogs: ([filter]) => {
        const { fromBlock, toBlock } = filter as Filter
        const has = (block: number): boolean => Number(fromBlock) <= block && Number(toBlock) >= block
        return [...(has(100) ? rubbish : []), ...(has(102) ? [logOf(7)] : [])]
      },
    })
    let looks = 0
    for (; looks < 100 && names().length === 0; looks++) await watch.look().catch(() => undefined)
    expect(names()).toEqual(['m7'])
    expect(looks).toBeGreaterThan(MAX_BLOCK_FAILURES)
    await watch.look() // and is not read again
  })

  it('leaves what it knows where the chain does not answer', async () => {
    chain.set({ eth_getLogs: () => [logOf(1)] })
    await watch.look()
    chain.set({
      eth_getLogs: () => {
        throw { code: -32000, message: 'down' } // eslint-disable-line @typescript-eslint/only-throw-error
      },
    })
    await expect(watch.look()).rejects.toThrow()
    expect(names()).toEqual(['m1'])
  })
})
