import { multiaddr } from '@multiformats/multiaddr'
import { encodeFunctionData, parseEther, toHex, zeroHash, type Address, type Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stakeAbi } from '#shared/abi/stake.ts'
import { timelockAbi } from '#shared/abi/timelock.ts'
import { chainAddress, peerName } from '#shared/base/ids.ts'
import { bindingForChain } from '#shared/chain/bindings.ts'
import { operatorReader } from '#shared/chain/operator-reader.ts'
import { SCHEDULE_PROTOCOL } from '#shared/schedule/constants.ts'
import { DirectoryClient } from '#shared/schedule/directory-client.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { makePeer, signOffer, someModel, someOffer, type TestPeer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createChainClient } from '../../relay/chain/chain-client.ts'
import { ChainHead } from '../../relay/chain/chain-head.ts'
import { ChainNode } from '../../relay/chain/chain-node.ts'
import { StakeWatch } from '../../relay/chain/stake-watch.ts'
import { createLog } from '../../relay/observe/log.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { deployerOf, registerStake } from './register-stake.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'

const log = createLog('silent')

describe.skipIf(findAnvil() === undefined)('the watch over the stake contract', () => {
  let chain: TestChain
  let court: PrivateKeyAccount
  beforeAll(async () => {
    chain = await startTestChain()
    court = await chain.account()
    await nameCourt()
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  const stake = () => ({ address: chain.network.contracts.stake, abi: stakeAbi }) as const
  const mined = async (hash: Hex): Promise<void> => {
    expect((await chain.client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }

  async function nameCourt(): Promise<void> {
    const data = encodeFunctionData({ abi: stakeAbi, functionName: 'setCourt', args: [court.address] })
    const { stake: target, timelock: address } = chain.network.contracts
    const wallet = chain.wallet(deployerOf(chain))
    const call = [target, 0n, data, zeroHash, zeroHash] as const
    await mined(
      await wallet.writeContract({
        address,
        abi: timelockAbi,
        functionName: 'schedule',
        args: [...call, 0n],
      }),
    )
    await mined(
      await wallet.writeContract({ address, abi: timelockAbi, functionName: 'execute', args: call }),
    )
  }

  const register = (peer: TestPeer, amount?: string): Promise<PrivateKeyAccount> =>
    registerStake(chain, peer, amount)
  const judge = async (functionName: 'jail' | 'unjail', operator: Address): Promise<void> =>
    mined(await chain.wallet(court).writeContract({ ...stake(), functionName, args: [operator] }))

  /** Over a node whose answers a test may change. */
  function watch(change: (method: string, answer: unknown) => unknown = (_, answer) => answer): StakeWatch {
    const { chainId, rpcUrls } = chain.network
    const real = new ChainNode({ clock: realClock, log }, { chainId, urls: rpcUrls })
    const node: Pick<ChainNode, 'request'> = {
      request: async (method, params, options) => change(method, await real.request(method, params, options)),
    }
    const head = new ChainHead({ node, clock: realClock }, { blockSeconds: 0.1 })
    const client = createChainClient(node)
    return new StakeWatch(
      { node, client, head: { fresh: () => head.refresh() }, clock: realClock, log },
      chain.network,
    )
  }

  test('knows who is active and who is jailed, from the beginning and as it changes', async () => {
    const [good, bad] = [await makePeer(), await makePeer()]
    await register(good)
    const operator = await register(bad)
    const watched = watch()
    await watched.look()
    expect([watched.count('active') >= 2, watched.count('jailed')]).toEqual([true, 0])
    expect([good, bad].map(({ name }) => watched.mayIntroduce(name))).toEqual([true, true])
    await judge('jail', operator.address)
    await watched.look()
    expect([good, bad].map(({ name }) => watched.mayIntroduce(name))).toEqual([true, false])
    expect(watched.mayIntroduce((await makePeer()).name)).toBe(true)
    await judge('unjail', operator.address)
    await watched.look()
    expect(watched.mayIntroduce(bad.name)).toBe(true)
  })

  test('says what stake stands behind a name: the most of the active operators that its key signed for', async () => {
    const peer = await makePeer()
    const small = await register(peer, '100')
    const watched = watch()
    await watched.look()
    const staked = (operator: PrivateKeyAccount, stake: string) => ({
      operator: operator.address.toLowerCase(),
      stake: parseEther(stake),
    })
    expect(watched.stakeOf(peer.name)).toEqual(staked(small, '100'))
    const large = await register(peer, '150')
    await watched.look()
    expect(watched.stakeOf(peer.name)).toEqual(staked(large, '150'))
    await judge('jail', large.address)
    await watched.look()
    expect(watched.stakeOf(peer.name)).toBeUndefined()
    await judge('unjail', large.address)
    await watched.look()
    expect(watched.stakeOf(peer.name)).toEqual(staked(large, '150'))
    expect(watched.stakeOf((await makePeer()).name)).toBeUndefined()
  })

  test('a jailing that a fork has undone is undone here', async () => {
    const peer = await makePeer()
    const operator = await register(peer)
    const watched = watch()
    const snapshot = await chain.client.snapshot()
    await judge('jail', operator.address)
    await chain.client.mine({ blocks: 5 })
    await watched.look()
    expect(watched.mayIntroduce(peer.name)).toBe(false)
    await chain.client.revert({ id: snapshot }) // shorter than before, too
    await watched.look()
    expect(watched.mayIntroduce(peer.name)).toBe(true)
  })

  test('an endpoint that leaves logs out is found out for all who are known', async () => {
    const peer = await makePeer()
    const operator = await register(peer)
    let isLying = false
    const watched = watch((method, answer) => (isLying && method === 'eth_getLogs' ? [] : answer))
    await watched.look()
    isLying = true
    await judge('jail', operator.address)
    await watched.look()
    expect(watched.mayIntroduce(peer.name)).toBe(false)
  })

  test('logs that are made up, or no logs at all, jail nobody', async () => {
    const peer = await makePeer()
    const operator = await register(peer)
    const pad = (address: Address): Hex => `0x${'0'.repeat(24)}${address.slice(2)}`
    const invented = [
      { address: stake().address, topics: [zeroHash, pad(operator.address), '0x02'] },
      { address: stake().address, topics: [zeroHash, pad(nobody())] },
      { address: nobody(), topics: [zeroHash, pad(operator.address)] },
      { address: stake().address, topics: [] },
      { address: stake().address, topics: ['<script>', '\u0000'] },
    ]
    for (const lie of [invented, 'nonsense', null, [7], {}]) {
      const watched = watch((method, answer) => (method === 'eth_getLogs' ? lie : answer))
      await watched.look()
      expect([watched.mayIntroduce(peer.name), watched.count('jailed')]).toEqual([true, 0])
    }
  })

  /** As a consumer reads an operator by itself, over any node of the chain. */
  const counts = async (operator: PrivateKeyAccount, peer: TestPeer): Promise<boolean> => {
    const { chainId, contracts } = chain.network
    const read = operatorReader(chain.client, { chainId, stake: contracts.stake })
    const seen = await read(chainAddress(operator.address), { signal: AbortSignal.timeout(10_000) })
    return seen?.isActive === true && seen.peerKey === toHex(peer.key.publicKey.raw).slice(2)
  }
  const rename = async (operator: PrivateKeyAccount, peer: TestPeer): Promise<void> => {
    const { chainId, contracts } = chain.network
    const terms = { chainId, stake: chainAddress(contracts.stake), operator: chainAddress(operator.address) }
    const binding = bindingForChain(peer.key.publicKey.raw, await makeBinding(peer.key, terms))
    const wallet = chain.wallet(operator)
    await mined(await wallet.writeContract({ ...stake(), functionName: 'setPeerKey', args: [binding] }))
  }

  test('a jailed key stays so under a fresh account with another minimum at stake', async () => {
    const peer = await makePeer()
    const early = await register(peer) // before the jail
    const operator = await register(peer)
    expect(await counts(early, peer)).toBe(true)
    await judge('jail', operator.address)
    const late = await register(peer)
    const watched = watch()
    await watched.look()
    expect([watched.mayIntroduce(peer.name), watched.stakeOf(peer.name)]).toEqual([false, undefined])
    expect([await counts(early, peer), await counts(late, peer)]).toEqual([false, false])
    await judge('unjail', operator.address)
    await watched.look()
    expect([watched.mayIntroduce(peer.name), await counts(late, peer)]).toEqual([true, true])
    expect(watched.stakeOf(peer.name)).toBeDefined()
  })

  test('neither another key nor retiring takes a key out of reach of a jail that comes later', async () => {
    const [first, second, third] = [await makePeer(), await makePeer(), await makePeer()]
    const renamed = await register(first)
    await rename(renamed, second)
    const retired = await register(third)
    await mined(await chain.wallet(retired).writeContract({ ...stake(), functionName: 'retire' }))
    const watched = watch()
    await watched.look()
    expect(watched.stakeOf(first.name), 'it lends its stake to the last key alone').toBeUndefined()
    expect(watched.stakeOf(second.name)).toBeDefined()
    for (const operator of [renamed, retired]) await judge('jail', operator.address)
    await watched.look()
    const may = [first, second, third].map(({ name }) => watched.mayIntroduce(name))
    expect(may).toEqual([false, false, false])
    for (const peer of [first, second, third]) expect(await counts(await register(peer), peer)).toBe(false)
  })

  test('who names a key that did not sign lends it nothing, and takes it into no jail', async () => {
    const [peer, stranger] = [await makePeer(), await makePeer()]
    const squatter = await registerStake(chain, peer, '500', stranger)
    const watched = watch()
    await watched.look()
    expect([watched.mayIntroduce(peer.name), watched.stakeOf(peer.name)]).toEqual([true, undefined])
    expect(watched.stakeOf(stranger.name)).toBeUndefined()
    expect(await counts(squatter, peer)).toBe(false)
    const owner = await register(peer) // whoever came first
    await judge('jail', squatter.address)
    await watched.look()
    expect(watched.mayIntroduce(peer.name)).toBe(true)
    expect(watched.stakeOf(peer.name)).toMatchObject({ operator: owner.address.toLowerCase() })
    expect([await counts(owner, peer), await counts(squatter, peer)]).toEqual([true, false])
  })

  test('a relay introduces nobody to a jailed operator, and takes no offer of it', async () => {
    const relay = await chain.relay({}, { blockSeconds: 0.1 })
    const peer = await makePeer()
    const operator = await register(peer)
    const node = await startLocalNode({ key: peer.key, listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    const addresses = node.getMultiaddrs().map(String)
    const directory = new DirectoryClient(peerName(relay.name), {
      clock: realClock,
      openStream: async ({ signal }) =>
        (await node.dial(multiaddr(relay.addresses[0] ?? ''), { signal })).newStream(SCHEDULE_PROTOCOL, {
          signal,
        }),
    })
    const announce = async (sequence: number) =>
      directory.announce((await signOffer(peer, someOffer(realClock.now(), { sequence, addresses }))).offer)
    const offered = async (): Promise<number> => (await directory.query(someModel(), 4)).offers.length
    const jailed = async (): Promise<number> => {
      const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
      return Number(/infernet_operators_jailed (\d+)/.exec(metrics)?.[1])
    }
    const watched = watch()
    await watched.look()
    const before = watched.count('jailed') // by the tests before
    await until('the relay to know of them', async () => (await jailed()) === before)
    await announce(1)
    expect(await offered()).toBe(1)
    await judge('jail', operator.address)
    await until('the relay to know', async () => (await jailed()) === before + 1)
    expect(await offered()).toBe(0)
    await expect(announce(2)).rejects.toMatchObject({ code: 'schedule.not-introduced' })
    await judge('unjail', operator.address)
    await until('the relay to know', async () => (await jailed()) === before)
    expect(await offered()).toBe(1)
    directory.close()
    await node.stop()
  })
})
