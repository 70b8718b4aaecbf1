import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  getAddress,
  parseEther,
  toFunctionSelector,
  type Address,
  type EIP1193Provider,
  type Hash,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { readContract } from 'viem/actions'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { Clock } from '#shared/base/clock.ts'
import { baseUnits, millis } from '#shared/base/units.ts'
import { findFoundry } from '../../contracts/script/foundry.ts'
import { RunningAct, type Act, type ActState } from '../../web/wallet/act.ts'
import {
  authorizeSession,
  cancelUnbond,
  cancelWithdrawal,
  claim,
  requestWithdrawal,
  revokeSession,
  stakeMore,
  transfer,
  transferCoin,
  unbond,
  withdraw,
  withdrawStake,
} from '../../web/wallet/acts.ts'
import { deposit, depositWay } from '../../web/wallet/deposit.ts'
import { createChainClient, createWitnesses } from '../../web/wallet/chain-client.ts'
import { isConfirmedBy } from '../../web/wallet/confirm-snapshot.ts'
import { connectInjected } from '../../web/wallet/injected-signer.ts'
import { escrowOf, readClaimable, readPots } from '../../web/wallet/read-lines.ts'
import { readSnapshot, type Snapshot } from '../../web/wallet/read-snapshot.ts'
import type { Signer } from '../../web/wallet/signer.ts'
import { createTabSigner } from '../../web/wallet/tab-signer.ts'
import type { TransactionRecord } from '../../web/wallet/transaction-record.ts'
import { startLyingNode } from './lying-node.ts'
import { installMockWallet, type MockWallet, type MockWalletInit } from '../fixtures/mock-wallet.ts'
import { startTestChain, type TestChain } from './test-chain.ts'

const INF = parseEther('1')
const DAY_SECONDS = 86_400
const MODEL = `0x${'ab'.repeat(32)}` as const
/** Twenty-five seconds pass in one. */
const hasty: Clock = { ...realClock, monotonic: () => millis(25 * performance.now()) }
const NO_RELAY: Address = '0x0000000000000000000000000000000000000000'

// npm brings anvil for Linux on x64 alone: elsewhere these wait for a Foundry installation.
describe.skipIf(findFoundry('anvil') === undefined)('the wallet on a real chain (needs anvil)', () => {
  let chain: TestChain
  beforeAll(async () => {
    chain = await startTestChain()
  }, 60_000)
  afterAll(() => chain[Symbol.asyncDispose]())

  const client = () => createChainClient(chain.network, undefined)
  const escrow = () => chain.network.escrows[0]!
  const signal = new AbortController().signal

  async function tabSigner(funds: Parameters<TestChain['fund']>[1] = {}): Promise<Signer> {
    const account = privateKeyToAccount(generatePrivateKey())
    await chain.fund(account.address, funds)
    return createTabSigner({ account, client: client(), exclusive: (task) => task() })
  }

  function start(signer: Signer, act: Act, clock: Clock = realClock) {
    const states: ActState[] = []
    const hashes: Hash[] = []
    const records: (TransactionRecord | undefined)[] = []
    const running = new RunningAct(
      { signer, client: client(), network: chain.network, clock },
      {
        signal,
        onState: (state) => states.push(state),
        onRecord: async (record) => {
          records.push(record)
          hashes.push(...(record?.hashes ?? []).filter((hash) => !hashes.includes(hash)))
        },
        isForeign: () => false,
        isRepeat: false,
        doubtful: [],
      },
    )
    return { states, hashes, records, running, done: running.run(act) }
  }
  async function run(signer: Signer, act: Act) {
    const { done, ...rest } = start(signer, act)
    await done
    return rest
  }
  const snapshot = (address: Address, key?: Address) =>
    readSnapshot(client(), chain.network, { address, sessionKeys: [key, undefined] })
  const session = () => {
    const key = privateKeyToAccount(generatePrivateKey())
    return {
      account: key,
      limits: async () => ({ key: key.address, cap: 20n * INF, expiry: (await time()) + DAY_SECONDS }),
    }
  }
  const time = async (): Promise<number> => Number((await chain.control.getBlock()).timestamp)
  const pass = async (seconds: number): Promise<void> => {
    await chain.control.increaseTime({ seconds })
    await chain.control.mine({ blocks: 1 })
  }
  const voucherOf = (payer: Address, provider: Address, cumulative: bigint) => ({
    ...{ payer, provider, model: MODEL, relay: NO_RELAY, epoch: 0, cumulative: baseUnits(cumulative) },
  })
  const typed = (message: ReturnType<typeof voucherOf>) => ({
    domain: {
      ...{ name: 'Infernet Escrow', version: '1', chainId: chain.network.chainId },
      verifyingContract: escrow().escrow,
    },
    types: {
      Voucher: [
        { name: 'payer', type: 'address' },
        { name: 'provider', type: 'address' },
        { name: 'model', type: 'bytes32' },
        { name: 'relay', type: 'address' },
        { name: 'epoch', type: 'uint32' },
        { name: 'cumulative', type: 'uint96' },
      ],
    },
    primaryType: 'Voucher' as const,
    message,
  })
  const init = (amount: bigint) => ({ escrow: escrow().escrow, asset: escrow().asset, amount })

  describe('in this tab', () => {
    it('deposits and authorises a session with a permit, in one transaction', async () => {
      const signer = await tabSigner()
      const { account, limits } = session()
      const wanted = { ...init(60n * INF), session: await limits() }
      expect(await depositWay({ client: client(), signer, account: signer.address, signal }, wanted)).toBe(
        'permit',
      )
      const { states, hashes } = await run(signer, deposit(wanted))
      expect(states.filter(({ stage }) => stage === 'asking')).toEqual([
        { stage: 'asking', approval: 1, of: 2, what: 'permit' },
        { stage: 'asking', approval: 2, of: 2, what: 'deposit' },
      ])
      expect(hashes).toHaveLength(1)
      const last = states.at(-1)
      expect(last).toMatchObject({ stage: 'mined', hash: hashes[0] })
      expect(last?.stage === 'mined' && last.fee > 0n).toBe(true)
      const { escrows, native } = await snapshot(signer.address, account.address)
      expect(escrows[0]).toMatchObject({ balance: 940n * INF, deposit: 57n * INF, bond: 3n * INF, epoch: 0 })
      expect(escrows[0]?.session).toMatchObject({ key: account.address, cap: 20n * INF, spent: 0n })
      expect(native).toBeLessThan(parseEther('10'))
    })

    it('extends and revokes a session', async () => {
      const signer = await tabSigner()
      const { limits } = session()
      const given = await limits()
      await run(signer, authorizeSession(escrow().escrow, given))
      await run(signer, revokeSession(escrow().escrow, given.key))
      const found = (await snapshot(signer.address, given.key)).escrows[0]?.session
      expect(found?.expiry).toBeLessThanOrEqual(await time())
      const { done } = start(signer, revokeSession(escrow().escrow, given.key))
      await expect(done).rejects.toMatchObject({ code: 'wallet.reverted' })
    })

    it('asks for a withdrawal, takes it back, asks again and gets everything after the grace', async () => {
      const signer = await tabSigner()
      const { escrow: address } = escrow()
      await run(signer, deposit({ ...init(10n * INF), session: undefined }))
      await run(signer, requestWithdrawal(address))
      expect((await snapshot(signer.address)).escrows[0]?.withdrawAt).toBeGreaterThan(await time())
      await run(signer, cancelWithdrawal(address))
      expect((await snapshot(signer.address)).escrows[0]?.withdrawAt).toBe(0)
      await run(signer, requestWithdrawal(address))
      const early = start(signer, withdraw(address))
      await expect(early.done).rejects.toMatchObject({
        code: 'wallet.reverted',
        message: expect.stringContaining('too early; it can be done from ') as string,
      })
      expect(early.hashes, 'a refusal is heard before anything is sent').toEqual([])
      await pass(4 * DAY_SECONDS)
      await run(signer, withdraw(address))
      const { escrows } = await snapshot(signer.address)
      expect(escrows[0]).toMatchObject({ balance: 1000n * INF, deposit: 0n, bond: 0n, epoch: 1 })
    })

    it('says when a withdrawal may be finished that a full day of claims holds up, and finishes it then', async () => {
      const [payer, carrier] = [await tabSigner(), await tabSigner()]
      const { escrow: address } = escrow()
      await run(payer, deposit({ ...init(300n * INF), session: undefined }))
      await run(payer, requestWithdrawal(address))
      const asked = (await snapshot(payer.address)).escrows[0]!
      expect(asked.withdrawableAt).toBe(asked.withdrawAt)
      // On the last day of the grace four providers without stake claim all that a day allows of one payer: 200 INF.
      await pass(asked.graceSeconds - 60)
      const vouchers = await Promise.all(
        [1, 2, 3, 4].map(async () => {
          const provider = privateKeyToAccount(generatePrivateKey()).address
          const voucher = voucherOf(payer.address, provider, 50n * INF)
          const signature = await payer.signTypedData(typed(voucher), { account: payer.address, signal })
          return { voucher, signer: payer.address, signature }
        }),
      )
      const { states } = await run(carrier, claim({ escrow: address, vouchers, pots: [], credit: undefined }))
      const last = states.at(-1)
      const blockNumber = last?.stage === 'mined' ? last.block : expect.fail('it was not mined')
      const claimedAt = Number((await chain.control.getBlock({ blockNumber })).timestamp)
      const fullDay = Math.floor(claimedAt / DAY_SECONDS)
      await pass(60)
      const { withdrawAt, withdrawableAt } = (await snapshot(payer.address)).escrows[0]!
      expect([withdrawAt, withdrawableAt]).toEqual([asked.withdrawAt, (fullDay + 2) * DAY_SECONDS])
      await expect(start(payer, withdraw(address)).done).rejects.toMatchObject({ code: 'wallet.reverted' })
      await pass(withdrawableAt - (await time()))
      await run(payer, withdraw(address))
      expect((await snapshot(payer.address)).escrows[0]).toMatchObject({
        ...{ balance: 800n * INF, deposit: 0n, withdrawAt: 0, withdrawableAt: 0 },
      })
    })

    it('says what is missing when there is nothing for gas, or too little of the asset', async () => {
      const poor = await tabSigner({ coin: 0n })
      const { done } = start(poor, deposit({ ...init(INF), session: undefined }))
      await expect(done).rejects.toMatchObject({ code: 'wallet.no-gas' })
      const empty = await tabSigner({ inf: 0n })
      const sent = start(empty, transfer(escrow().asset, NO_RELAY.replace(/0$/, '1') as Address, INF))
      await expect(sent.done).rejects.toMatchObject({
        code: 'wallet.reverted',
        message: 'The contract refused: the wallet has less than that.',
      })
    })

    it('registers and stakes, adds, unbonds, thinks better of it, and withdraws after the delay', async () => {
      const signer = await tabSigner()
      const { token: asset, stake } = chain.network.contracts
      const peerKey = `0x${'07'.repeat(32)}` as const
      const halves = { r: `0x${'08'.repeat(32)}`, s: `0x${'09'.repeat(32)}` } as const
      const asked: Address[] = []
      const bind = async (operator: Address) => {
        asked.push(operator)
        return { peerKey, ...halves }
      }
      await run(signer, stakeMore({ stake, asset, amount: 150n * INF, bind }))
      await run(signer, stakeMore({ stake, asset, amount: 50n * INF, bind: undefined }))
      expect(asked).toEqual([signer.address])
      expect((await snapshot(signer.address)).stake).toMatchObject({
        state: 'active',
        stake: 200n * INF,
        peerKey,
      })
      await run(signer, unbond(stake, 80n * INF))
      await run(signer, cancelUnbond(stake))
      expect((await snapshot(signer.address)).stake).toMatchObject({ stake: 200n * INF, unbonding: 0n })
      await run(signer, unbond(stake, 80n * INF))
      await expect(start(signer, withdrawStake(stake)).done).rejects.toMatchObject({
        code: 'wallet.reverted',
      })
      await pass(8 * DAY_SECONDS)
      await run(signer, withdrawStake(stake))
      const { stake: after, escrows } = await snapshot(signer.address)
      expect(after).toMatchObject({ stake: 120n * INF, unbonding: 0n })
      expect(escrows[0]?.balance).toBe(880n * INF)
    })

    it('claims what it was given, splits it and counts it on both sides', async () => {
      const [payer, provider] = [await tabSigner(), await tabSigner({ inf: 0n })]
      const { account, limits } = session()
      await run(payer, deposit({ ...init(10n * INF), session: await limits() }))
      const voucher = voucherOf(payer.address, provider.address, 2n * INF)
      const signature = await account.signTypedData(typed(voucher))
      const entry = { voucher, signer: account.address, signature }
      const stale = { ...entry, voucher: { ...voucher, cumulative: 0n } }
      const found = await readClaimable(client(), escrow().escrow, [entry, stale])
      expect(found.map(({ payable }) => payable)).toEqual([2n * INF, 0n])
      const at = escrow().escrow
      const from = provider.address
      expect(await escrowOf(client(), at).refusalOfBatch([entry], from)).toBeUndefined()
      const refusal = await escrowOf(client(), at).refusalOfBatch([entry, stale], from)
      expect(refusal).toEqual({ name: 'StaleVoucher', index: 1 })
      expect(await escrowOf(client(), at).dailyLeft(from)).toBe(50n * INF)
      const line = { provider: provider.address, model: MODEL, relay: NO_RELAY } as const
      await run(provider, claim({ escrow: escrow().escrow, vouchers: [entry], pots: [], credit: undefined }))
      const { shares } = (await snapshot(provider.address)).escrows[0]!
      const models = chain.network.contracts.models
      const [pot] = await readPots(client(), { escrow: escrow().escrow, models, shares }, [line])
      expect(pot?.provided).toBe((2n * INF * 95n) / 100n)
      await run(provider, claim({ escrow: escrow().escrow, vouchers: [], pots: [line], credit: undefined }))
      expect((await snapshot(provider.address)).escrows[0]?.balance).toBe(pot?.provided)
      expect(await escrowOf(client(), at).dailyLeft(from)).toBe(48n * INF)
      const again = claim({ escrow: escrow().escrow, vouchers: [], pots: [line], credit: undefined })
      expect((await run(provider, again)).hashes, 'somebody swept it meanwhile').toEqual([])
      const counted = { address: escrow().escrow, abi: escrowAbi, functionName: 'claimedOf' } as const
      const args = [payer.address, 0, line.provider, line.model] as const
      expect(await readContract(client(), { ...counted, args })).toBe(2n * INF)
      expect((await snapshot(payer.address, account.address)).escrows[0]?.session?.spent).toBe(2n * INF)
    })

    it('calls a transaction stuck when no block takes it, and gets it through for a higher fee', async () => {
      const signer = await tabSigner()
      await chain.control.setAutomine(false)
      try {
        const { done, running, states, hashes } = start(signer, transferCoin(NO_RELAY, 1n), hasty)
        await expect.poll(() => states.at(-1)?.stage).toBe('stuck')
        await running.speedUp()
        expect(new Set(hashes).size).toBe(2)
        await chain.control.mine({ blocks: 1 })
        await done
        expect(states.at(-1)).toMatchObject({ stage: 'mined', hash: hashes[1] })
      } finally {
        await chain.control.setAutomine(true)
      }
    })

    it('hears that the nodes disagree about a block', async () => {
      const told = await snapshot((await tabSigner()).address)
      const confirm = (block: Partial<Snapshot['block']>) =>
        isConfirmedBy(createWitnesses(chain.network), chain.network, {
          ...told,
          block: { ...told.block, ...block },
        })
      expect(await confirm({})).toBe(true)
      expect(await confirm({ hash: MODEL })).toBe(false)
      expect(await confirm({ number: told.block.number + 1000n })).toBeUndefined()
    })

    it('finds out a relay that tells the true block and lies about an amount, always the same', async () => {
      const signer = await tabSigner()
      const { account, limits } = session()
      await run(signer, deposit({ ...init(20n * INF), session: await limits() }))
      const { network } = chain
      const witnesses = createWitnesses(network)
      const question = { address: signer.address, sessionKeys: [account.address, undefined] }
      const told = async (rpc: string | undefined) =>
        readSnapshot(createChainClient(network, rpc), network, question)
      expect(await isConfirmedBy(witnesses, network, await told(undefined))).toBe(true)
      const { asset, escrow: address } = escrow()
      const more = 100n * INF
      for (const lie of [
        { to: asset, selector: toFunctionSelector('balanceOf(address)'), more },
        { to: address, selector: toFunctionSelector('account(address)'), more },
        { to: address, selector: toFunctionSelector('session(address,address)'), more },
        { to: network.contracts.stake, selector: toFunctionSelector('operatorOf(address)'), more: 1n },
      ]) {
        const relay = await startLyingNode(chain.rpcUrl, lie)
        try {
          const [first, second] = [await told(relay.url), await told(relay.url)]
          expect({ ...second, block: undefined }, 'it lies consistently').toEqual({
            ...first,
            block: undefined,
          })
          expect(await isConfirmedBy(witnesses, network, first), lie.selector).toBe(false)
          expect(await isConfirmedBy([], network, first), 'and nobody else is there').toBeUndefined()
        } finally {
          relay.stop()
        }
      }
    })

    it('asks nothing more when the wallet changes its account between two approvals', async () => {
      const signer = { ...(await tabSigner()) }
      const { address } = signer
      const { done, hashes } = start(signer, async (tools) => {
        await tools.send('first', { to: NO_RELAY, data: '0x', value: 1n })
        signer.address = NO_RELAY
        await tools.send('second', { to: NO_RELAY, data: '0x', value: 1n })
      })
      await expect(done).rejects.toMatchObject({ code: 'wallet.other-account' })
      expect(hashes).toHaveLength(1)
      expect(await chain.control.getTransactionCount({ address })).toBe(1)
    })

    it('takes no node of another chain, and passes over one that is down', async () => {
      const wrong = { ...chain.network, chainId: 1 }
      await expect(
        readSnapshot(createChainClient(wrong, undefined), wrong, { address: NO_RELAY, sessionKeys: [] }),
      ).rejects.toMatchObject({ code: 'wallet.foreign-node' })
      const behindDead = createChainClient(chain.network, 'http://127.0.0.1:1/rpc')
      const question = { address: NO_RELAY, sessionKeys: [] } as const
      expect((await readSnapshot(behindDead, chain.network, question)).escrows).toHaveLength(2)
      const dead = createChainClient({ ...chain.network, rpcUrls: [] }, 'http://127.0.0.1:1/rpc')
      await expect(readSnapshot(dead, chain.network, question)).rejects.toMatchObject({
        code: 'wallet.unreachable',
      })
    })
  })

  describe('from an extension', () => {
    let address: Address
    beforeEach(async () => {
      address = privateKeyToAccount(generatePrivateKey()).address
      await chain.fund(address)
      await chain.control.impersonateAccount({ address })
    })

    async function connect(
      change: Partial<MockWalletInit> = {},
    ): Promise<{ signer: Signer; wallet: MockWallet }> {
      const { rpcUrl, network } = chain
      const target = new EventTarget()
      const wallet = installMockWallet(
        {
          rpcUrl,
          address,
          chainId: network.chainId,
          nodeChainId: network.chainId,
          name: 'Mock',
          canBatch: false,
          knows: [network.chainId],
          ...change,
        },
        target,
      )
      const provider = (target as unknown as { mockProvider: EIP1193Provider }).mockProvider
      const found = { rdns: 'test.mock', name: 'Mock', icon: undefined, provider }
      const signer = await connectInjected(realClock, network, found, { signal, mayAsk: true })
      return { signer: signer!, wallet }
    }

    it('approves, then deposits, where a wallet can do no more', async () => {
      const { signer, wallet } = await connect()
      // An account that a node plays has no key: the coin's permit cannot be signed for it, so it is a contract here.
      await chain.control.setCode({ address, bytecode: '0x00' })
      const wanted = { ...init(5n * INF), session: undefined }
      expect(await depositWay({ client: client(), signer, account: signer.address, signal }, wanted)).toBe(
        'approve',
      )
      await run(signer, deposit(wanted))
      expect(wallet.asked).toEqual(['eth_requestAccounts', 'eth_sendTransaction', 'eth_sendTransaction'])
      expect((await snapshot(address)).escrows[0]?.deposit).toBe((5n * INF * 95n) / 100n)
    })

    it('deposits and authorises in ONE approval where the wallet batches', async () => {
      const { signer, wallet } = await connect({ canBatch: true })
      const { account, limits } = session()
      const wanted = { ...init(5n * INF), session: await limits() }
      expect(await depositWay({ client: client(), signer, account: signer.address, signal }, wanted)).toBe(
        'together',
      )
      const { hashes } = await run(signer, deposit(wanted))
      expect(wallet.asked).toEqual(['eth_requestAccounts', 'wallet_sendCalls'])
      expect(hashes).toHaveLength(1)
      expect((await snapshot(address, account.address)).escrows[0]?.session?.cap).toBe(20n * INF)
    })

    it('tells a declined signature by name, and nothing has moved', async () => {
      const { signer, wallet } = await connect({ canBatch: true })
      wallet.answer = 'reject'
      const { done } = start(signer, deposit({ ...init(5n * INF), session: undefined }))
      await expect(done).rejects.toMatchObject({ code: 'wallet.rejected' })
      wallet.answer = 'approve'
      const single = (await connect()).wallet
      expect((await snapshot(address)).escrows[0]?.deposit).toBe(0n)
      expect(single.asked).toEqual(['eth_requestAccounts'])
    })

    it('sends nothing from another chain; switches, and adds the chain where the wallet does not know it', async () => {
      const { signer, wallet } = await connect({ chainId: 1, knows: [1] })
      expect(signer.chainId).toBe(1)
      const { done } = start(signer, requestWithdrawal(escrow().escrow))
      await expect(done).rejects.toMatchObject({ code: 'wallet.wrong-chain' })
      let told = 0
      signer.onChange(() => told++)
      await signer.switchChain(chain.network, { signal })
      expect(signer.chainId).toBe(chain.network.chainId)
      expect(told).toBeGreaterThan(0)
      expect(wallet.asked).toEqual([
        'eth_requestAccounts',
        'wallet_addEthereumChain',
        'wallet_switchEthereumChain',
      ])
    })

    it('follows the wallet to another account', async () => {
      const { signer, wallet } = await connect()
      const other = privateKeyToAccount(generatePrivateKey()).address
      wallet.setAccount(other.toLowerCase())
      expect(signer.address).toBe(getAddress(other))
      wallet.setAccount(undefined)
      expect(signer.address, 'a locked wallet keeps its last address').toBe(getAddress(other))
    })

    it('connects by itself only to a wallet that already shows an account', async () => {
      const { network, rpcUrl } = chain
      const target = new EventTarget()
      const wallet = installMockWallet(
        { rpcUrl, address, chainId: 1, nodeChainId: 1, name: 'M', canBatch: false, knows: [] },
        target,
      )
      wallet.setAccount(undefined)
      const provider = (target as unknown as { mockProvider: EIP1193Provider }).mockProvider
      const found = { rdns: 'test.mock', name: 'M', icon: undefined, provider }
      expect(await connectInjected(realClock, network, found, { signal, mayAsk: false })).toBeUndefined()
      expect(wallet.asked).toEqual([])
      wallet.answer = 'reject'
      await expect(
        connectInjected(realClock, network, found, { signal, mayAsk: true }),
      ).rejects.toMatchObject({
        code: 'wallet.rejected',
      })
    })

    it('says so when the wallet sent something else instead, and goes on when it only paid more', async () => {
      const { signer } = await connect()
      await chain.control.setAutomine(false)
      try {
        const nonce = await chain.control.getTransactionCount({ address })
        const replaced = start(signer, transferCoin(NO_RELAY, 1n))
        await expect.poll(() => replaced.hashes.length).toBe(1)
        const instead = (to: Address, value: bigint, factor: bigint, number: number) =>
          chain.control.request({
            method: 'eth_sendTransaction',
            params: [
              {
                from: address,
                to,
                value: `0x${value.toString(16)}`,
                nonce: `0x${number.toString(16)}`,
                gas: '0x5208',
                maxFeePerGas: `0x${(factor * 10n ** 10n).toString(16)}`,
                maxPriorityFeePerGas: `0x${(factor * 10n ** 10n).toString(16)}`,
              },
            ],
          } as never)
        await new Promise((resolve) => setTimeout(resolve, 600)) // it has been seen before it is replaced
        await instead(address, 0n, 2n, nonce)
        await chain.control.mine({ blocks: 1 })
        await expect(replaced.done).rejects.toMatchObject({ code: 'wallet.replaced' })

        const dearer = start(signer, transferCoin(NO_RELAY, 1n))
        await expect.poll(() => dearer.hashes.length).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 600))
        const hash = await instead(NO_RELAY, 1n, 4n, nonce + 1)
        await chain.control.mine({ blocks: 1 })
        await dearer.done
        expect(dearer.states.at(-1)).toMatchObject({ stage: 'mined', hash })
      } finally {
        await chain.control.setAutomine(true)
      }
    })
  })
})
