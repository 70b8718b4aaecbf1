import { createHash } from 'node:crypto'
import { erc20Abi, parseEther, parseEventLogs, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { MAX_CHAIN_AMOUNT } from '#shared/settle/constants.ts'
import { signVoucher, type SignedVoucher } from '#shared/settle/voucher.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { findAnvil } from './find-anvil.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'
import { claimData, DAY_SECONDS, deposit, keyOf, leaveAllAndVanish, mainEscrow } from './vouchers.ts'

/** Operators that one tab leaves for: a peer may come sixteen times in a row, with 32 vouchers. */
const OPERATORS_OF_A_TAB = 8
/** Rounds are counted one by one, so the next may not end while the last one is looked at. */
const EVERY_SECONDS = 3
/** A round asks the chain some hundreds of questions: seconds, on a machine that is busy. */
const LIMIT_MS = 45_000

describe.skipIf(findAnvil() === undefined)('a box with vouchers of all sorts', { timeout: 240_000 }, () => {
  let chain: TestChain
  let payers: readonly PrivateKeyAccount[]
  let session: ChainSigner
  let relayAccount: Address
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    chain = await startTestChain()
    folder = await temporaryFolder()
    relayAccount = privateKeyToAccount(keyOf(chain.chain.relayKeyFile)).address
    session = createChainSigner(fromHex(generatePrivateKey().slice(2)))
    await noonOfTomorrow() // no day ends by itself while this runs
    payers = await Promise.all([1, 2, 3].map(() => chain.account()))
    for (const payer of payers) await deposit(chain, payer, session)
  }, 60_000)
  afterAll(async () => {
    await chain[Symbol.asyncDispose]()
    await folder.remove()
  })

  const startCarrier = (changes: Partial<RelayConfig> = {}): Promise<Relay> =>
    chain.relay({
      ...{ relayKeyFile: chain.chain.relayKeyFile, dataFolder: folder.path, carryWorth: '1' },
      ...{ carryEverySeconds: EVERY_SECONDS, ...changes },
    })

  async function noonOfTomorrow(): Promise<void> {
    const { timestamp } = await chain.client.getBlock()
    const today = timestamp / BigInt(DAY_SECONDS)
    await chain.client.setNextBlockTimestamp({ timestamp: (today + 1n) * BigInt(DAY_SECONDS) + 43_200n })
    await chain.client.mine({ blocks: 1 })
  }

  const sign = (
    { payer, provider, model = 'c3' }: { payer: Address; provider: Address; model?: string },
    cumulative: bigint,
    signer = session,
  ): Promise<SignedVoucher> =>
    signVoucher(
      { chainId: chain.network.chainId, escrow: chainAddress(mainEscrow(chain).escrow) },
      {
        ...{
          payer: chainAddress(payer),
          provider: chainAddress(provider),
          relay: chainAddress(relayAccount),
        },
        ...{ model: modelHash(createHash('sha256').update(model).digest('hex')), epoch: 0 },
        cumulative: baseUnits(cumulative),
      },
      signer,
    )
  const each = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i))
  const addressOf = (i: number): Address => payers[i]?.address ?? nobody()

  /** 112 vouchers over all there can be, for as many providers, of a payer whose deposit is a unit for each. */
  async function boasts(): Promise<readonly SignedVoucher[]> {
    const key = generatePrivateKey()
    const account = privateKeyToAccount(key)
    await chain.client.setBalance({ address: account.address, value: parseEther('1') })
    await depositUnits(account, 112n)
    const signer = createChainSigner(fromHex(key.slice(2)))
    return Promise.all(
      each(112, () => sign({ payer: account.address, provider: nobody() }, MAX_CHAIN_AMOUNT, signer)),
    )
  }

  async function depositUnits(account: PrivateKeyAccount, amount: bigint): Promise<void> {
    const { asset, escrow } = mainEscrow(chain)
    const faucet = chain.wallet(privateKeyToAccount(keyOf(chain.chain.faucetKeyFile)))
    const erc20 = { address: asset, abi: erc20Abi } as const
    await faucet.writeContract({ ...erc20, functionName: 'transfer', args: [account.address, amount] })
    const wallet = chain.wallet(account)
    await wallet.writeContract({ ...erc20, functionName: 'approve', args: [escrow, amount] })
    await wallet.writeContract({ address: escrow, abi: escrowAbi, functionName: 'deposit', args: [amount] })
  }

  /** 80 vouchers of a payer whose whole balance another provider claims afterwards, and 80 over 50 units each. */
  async function worthless(): Promise<readonly SignedVoucher[]> {
    const provider = nobody()
    const all = each(160, (i) =>
      sign(
        { payer: addressOf(i % 2 === 0 ? 2 : 0), provider, model: `w${i}` },
        i % 2 === 0 ? parseEther('10') : 50n,
      ),
    )
    return Promise.all(all)
  }

  /** Somebody with stake takes all that a payer has left. */
  async function drain(payer: Address): Promise<void> {
    const takers = each(2, () => nobody())
    const batch = await Promise.all(takers.map((provider) => sign({ payer, provider }, parseEther('50'))))
    const wallet = chain.wallet(await chain.account())
    const hash = await wallet.sendTransaction({ to: mainEscrow(chain).escrow, data: claimData(batch) })
    expect((await chain.client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }

  async function leave(vouchers: readonly SignedVoucher[]): Promise<void> {
    // At the relay's usual worth its box would keep none over so small a deposit.
    const relay = await startCarrier({ carryEverySeconds: DAY_SECONDS, carryWorth: '0' })
    const operators = [...Map.groupBy(vouchers, ({ voucher }) => voucher.provider).values()]
    for (let i = 0; i < operators.length; i += OPERATORS_OF_A_TAB) {
      const part = operators.slice(i, i + OPERATORS_OF_A_TAB).flat()
      expect(await leaveAllAndVanish(chain, relay, part)).toEqual([])
    }
    await relay.stop()
  }

  const balance = (of: Address): Promise<bigint> =>
    chain.client.readContract({
      ...{ address: mainEscrow(chain).asset, abi: erc20Abi },
      ...{ functionName: 'balanceOf', args: [of] },
    })

  /** What `/metrics` says, by name and labels. */
  async function metricsOf(relay: Relay): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
    const lines = text.split('\n').filter((line) => line.startsWith('infernet_claim'))
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
    )
  }
  const sumOf = (metrics: ReadonlyMap<string, number>, start: string): number =>
    [...metrics].reduce((sum, [name, value]) => sum + (name.startsWith(start) ? value : 0), 0)
  const stateOf = async (relay: Relay, state: string): Promise<number | undefined> =>
    (await metricsOf(relay)).get(`infernet_claims_by_state{state="${state}"}`)

  /** What was ever claimed for a provider, by the chain's day, from the first. */
  async function daysOf(provider: Address): Promise<readonly bigint[]> {
    const { escrow } = mainEscrow(chain)
    const named = { address: escrow, abi: escrowAbi, eventName: 'Claimed', strict: true } as const
    const events = await chain.client.getContractEvents({ ...named, args: { provider }, fromBlock: 0n })
    const days = new Map<bigint, bigint>()
    for (const { blockNumber, args } of events) {
      const { timestamp } = await chain.client.getBlock({ blockNumber })
      const day = timestamp / BigInt(DAY_SECONDS)
      days.set(day, (days.get(day) ?? 0n) + args.paid)
    }
    return [...days.values()]
  }

  /** Every transaction of the relay's account that is in a block. */
  async function sentByRelay() {
    const last = await chain.client.getBlockNumber()
    const receipts = []
    for (let blockNumber = 0n; blockNumber <= last; blockNumber++) {
      const { transactions } = await chain.client.getBlock({ blockNumber, includeTransactions: true })
      for (const { from, hash } of transactions)
        if (from.toLowerCase() === relayAccount.toLowerCase())
          receipts.push(await chain.client.getTransactionReceipt({ hash }))
    }
    return receipts
  }

  const rounds = (relay: Relay): Promise<number> =>
    metricsOf(relay).then((metrics) => sumOf(metrics, 'infernet_claim_rounds_total{asset="INF"'))
  async function roundsPass(relay: Relay, count: number): Promise<void> {
    const before = await rounds(relay)
    await until('rounds to pass', async () => (await rounds(relay)) >= before + count, LIMIT_MS)
  }

  test('pays the honest at once, the capped one its part each day, and nothing for the rest', async () => {
    const [capped, honest] = [nobody(), nobody()]
    const ofCapped = await Promise.all(
      each(12, (i) => sign({ payer: addressOf(i % 2), provider: capped, model: `m${i}` }, parseEther('10'))),
    )
    const small = await sign({ payer: addressOf(0), provider: honest }, parseEther('2'))
    await leave([...(await worthless()), ...(await boasts()), ...ofCapped, small])
    await drain(addressOf(2))

    const relay = await startCarrier()
    let passed = 0
    await until('two rounds', async () => (passed = await rounds(relay)) >= 2, LIMIT_MS)
    expect(passed).toBe(2)
    expect(await daysOf(honest)).toEqual([parseEther('2')])
    expect(await daysOf(capped)).toEqual([parseEther('50')])

    // Its day is used up, and the metrics say so.
    await roundsPass(relay, 2)
    expect(await daysOf(capped)).toEqual([parseEther('50')])
    expect(await stateOf(relay, 'over-cap')).toBe(7)
    expect(await stateOf(relay, 'worthless')).toBe(272)
    await until('what was carried to be known', async () => (await stateOf(relay, 'carried')) === 6, LIMIT_MS)
    const nothing = 'infernet_claim_rounds_total{asset="INF",outcome="nothing",reason="over-cap"}'
    const isSaid = async (): Promise<boolean> => ((await metricsOf(relay)).get(nothing) ?? 0) >= 1
    await until('a round to end with nothing, and to say why', isSaid, LIMIT_MS)

    for (const parts of [
      ['50', '50'],
      ['50', '50', '20'],
    ]) {
      await noonOfTomorrow()
      const wanted = parts.map((part) => parseEther(part))
      await until(
        'the next day’s part',
        async () => (await daysOf(capped)).length === wanted.length,
        LIMIT_MS,
      )
      await roundsPass(relay, 1)
      expect(await daysOf(capped)).toEqual(wanted)
    }
    await until(
      'all of it to be paid out',
      async () => (await balance(capped)) === parseEther('106.8'),
      LIMIT_MS,
    )
    expect(await balance(honest)).toBe(parseEther('1.78'))
    await roundsPass(relay, 2)
    await expectNoGasForNothing(relay)
  })

  /** Everything that the relay sent brought somebody at least one INF and the relay its share, as the metrics say. */
  async function expectNoGasForNothing(relay: Relay): Promise<void> {
    const receipts = await sentByRelay()
    expect(receipts.map(({ status }) => status)).toEqual(receipts.map(() => 'success'))
    const events = receipts.flatMap(({ logs }) => parseEventLogs({ abi: escrowAbi, logs }))
    const claims = events.filter(({ eventName }) => eventName === 'Claimed').map(({ args }) => args)
    expect(claims).toHaveLength(13)
    for (const args of claims) expect('paid' in args && args.paid >= parseEther('1')).toBe(true)
    const metrics = await metricsOf(relay)
    const gas = receipts.reduce((sum, { gasUsed }) => sum + gasUsed, 0n)
    expect(sumOf(metrics, 'infernet_claim_gas_total')).toBe(Number(gas))
    expect([...metrics.keys()].filter((name) => name.includes('result="reverted"'))).toEqual([])
    // Of 122 INF: a hundredth as tips, and a twentieth as who introduced the providers.
    expect(metrics.get('infernet_claim_paid_total{asset="INF"}')).toBeCloseTo(122)
    expect(metrics.get('infernet_claim_credit_total{asset="INF"}')).toBeCloseTo(7.32)
    const held = await chain.client.readContract({
      ...{ address: mainEscrow(chain).escrow, abi: escrowAbi },
      ...{ functionName: 'creditOf', args: [relayAccount] },
    })
    expect(held + (await balance(relayAccount))).toBe(parseEther('7.32'))
    expect(metrics.get('infernet_claims_total{result="carried"}')).toBe(13)
    expect(metrics.get('infernet_claims_by_state{state="worthless"}')).toBe(272)
    expect(metrics.get('infernet_claims_by_state{state="carried"}')).toBe(13)
    expect(
      metrics.get('infernet_claim_rounds_total{asset="INF",outcome="nothing",reason="worthless"}'),
    ).toBeGreaterThan(0)
  }
})
