import { expect, it } from 'vitest'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import type { Fate } from '../../wallet/look-up.ts'
import type { MovedEntry, PaymentEntry } from './money-entries.ts'
import { INF, injectedWallet, memoryMoney, memorySigner, sampleRecord } from '../testing/memory-money.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { depositIntent, openedWallet, OTHER_ADDRESS, settle, withMoney } from '../testing/opened-wallet.ts'
import { Wallet } from './wallet.svelte.ts'

it('is not there where the network uses no money', async () => {
  const wallet = new Wallet(memoryServices(new FakeClock(), { money: undefined }).services)
  wallet.start()
  await expect.poll(() => wallet.stage).toBe('no-chain')
})

it('says why it did not open, and opens when it is tried again', async () => {
  const clock = new FakeClock()
  const world = memoryServices(clock, { money: new InfernetError('settle.bad-network-file') })
  const wallet = new Wallet(world.services)
  wallet.start()
  await settle(clock)
  expect([wallet.stage, wallet.error?.code]).toEqual(['failed', 'settle.bad-network-file'])
  world.scene.money = memoryMoney(clock).money
  await wallet.retry()
  expect(wallet.stage).toBe('ready')
})

it('puts an act on record when it is sent, and again when it is in a block', async () => {
  const states: (string | undefined)[] = []
  const { wallet, kept, scene } = await openedWallet(new FakeClock())
  const mine = scene.perform
  scene.perform = async (options) => {
    await mine({
      ...options,
      onRecord: async (record, hasMore) => {
        await options.onRecord(record, hasMore)
        states.push(kept[0]?.kind === 'moved' ? kept[0].state : undefined)
      },
    })
  }
  expect(await wallet.do(depositIntent)).toBe(true)
  expect(states).toEqual(['sent', 'mined'])
  expect(kept[0]).toMatchObject({
    kind: 'moved',
    what: 'deposit',
    amount: -20n * INF,
    hash: '0xaa',
    state: 'mined',
  })
  expect(wallet.act.state).toMatchObject({ stage: 'mined', fee: 7n })
  expect(wallet.act.isBusy).toBe(false)
})

it('counts an act as done only when the chain that is shown knows of it', async () => {
  const { wallet, scene, clock } = await openedWallet(new FakeClock())
  scene.perform = async ({ onState }) => onState({ stage: 'mined', hash: '0xaa', fee: 0n, block: 110n })
  const done = wallet.do(depositIntent)
  await settle(clock)
  expect([wallet.snapshot!.block.number < 110n, wallet.act.isBusy]).toEqual([true, true])
  await clock.advance(5000)
  expect(await done).toBe(true)
  expect(wallet.snapshot!.block.number).toBeGreaterThanOrEqual(110n)
})

it('tells a declined signature, moves nothing, and asks again when told so', async () => {
  const { wallet, kept, scene } = await openedWallet(new FakeClock())
  const fine = scene.perform
  scene.perform = () => Promise.reject(new InfernetError('wallet.rejected'))
  expect(await wallet.do(depositIntent)).toBe(false)
  expect([wallet.act.error?.code, wallet.act.isBusy, kept.length]).toEqual(['wallet.rejected', false, 0])
  scene.perform = fine
  expect(await wallet.act.again()).toBe(true)
  expect(wallet.act.error).toBeUndefined()
})

it('does one thing at a time', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  const { promise, resolve } = Promise.withResolvers<void>()
  scene.perform = () => promise
  const first = wallet.do(depositIntent)
  expect(wallet.act.isBusy).toBe(true)
  expect(await wallet.do(depositIntent)).toBe(false)
  resolve()
  await first
})

it('finds out after a reload what became of what was sent', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  const { promise: closed } = Promise.withResolvers<void>()
  scene.perform = async ({ onRecord }) => {
    await onRecord(sampleRecord({ state: 'signed' }), false)
    await closed // the tab goes away
  }
  void wallet.do(depositIntent)
  await expect.poll(() => wallet.entries[0]).toMatchObject({ state: 'signed', hash: '0xaa' })
  wallet.act.leave()
  scene.fate = minedFate('reverted', 77n)
  await wallet.refresh()
  await expect.poll(() => wallet.entries[0]).toMatchObject({ state: 'failed', block: 77 })
})

it('takes up what was left open, shows it, and begins nothing beside it', async () => {
  const { wallet, scene, kept, clock } = await openedWallet(new FakeClock())
  const address = wallet.signer!.address
  const left = { ...movedEntry(address, 'signed'), transaction: sampleRecord({ state: 'signed' }) }
  await wallet.record(left)
  const { promise: decided, resolve } = Promise.withResolvers<void>()
  const resumed: string[] = []
  scene.perform = async ({ onState, onRecord }) => {
    resumed.push('performed')
    onState({ stage: 'unknown', hash: '0xaa', why: new InfernetError('wallet.unknown'), canSendAgain: true })
    await decided
    await onRecord(sampleRecord({ state: 'mined', block: 78 }), false)
  }
  let presses = 0
  scene.again = async () => void presses++
  await wallet.signing.takeKept(address)
  expect([wallet.act.isBusy, wallet.act.intent?.what, wallet.act.state?.stage]).toEqual([
    ...[true, 'deposit', 'unknown'],
  ])
  expect(await wallet.do(depositIntent)).toBe(false)
  for (let i = 0; i < 3; i++) await wallet.act.again()
  expect([presses, resumed.length], 'the same one, and no other').toEqual([3, 1])
  resolve()
  await settle(clock)
  expect(kept.map((entry) => entry.kind === 'moved' && [entry.id, entry.state, entry.block])).toEqual([
    [left.id, 'mined', 78],
  ])
})

it('sends nothing that it cannot write down', async () => {
  const { wallet, money, scene } = await openedWallet(new FakeClock())
  money.entries.put = () => Promise.reject(new Error('the disk is full'))
  let isSent = false
  scene.perform = async ({ onRecord }) => {
    await onRecord(sampleRecord({ state: 'signed' }), false)
    isSent = true
  }
  expect(await wallet.do(depositIntent)).toBe(false)
  expect([isSent, wallet.act.error?.code]).toEqual([false, 'wallet.no-record'])
})

it('takes a fee that could not be raised for no end: what waits goes on waiting', async () => {
  const { wallet, scene, money } = await openedWallet(new FakeClock())
  const { promise, resolve } = Promise.withResolvers<void>()
  const act: typeof money.act = money.act.bind(money)
  money.act = (signer, options) => ({
    ...act(signer, options),
    speedUp: () => Promise.reject(new InfernetError('wallet.unreachable')),
  })
  scene.perform = () => promise
  const done = wallet.do(depositIntent)
  await wallet.act.speedUp()
  expect([wallet.act.isBusy, wallet.act.error, wallet.act.hint?.code]).toEqual([
    ...[true, undefined, 'wallet.unreachable'],
  ])
  resolve()
  expect(await done).toBe(true)
})

it.each([
  ['mined, and long ago', minedFate('success', 3n), 'final'],
  ['mined', minedFate('success', 1n << 40n), 'mined'],
  ['reverted', minedFate('reverted', 3n), 'failed'],
  ['displaced by another of the same number', { kind: 'displaced' }, 'dropped'],
  ['held by a node', { kind: 'waiting', nonce: 0 }, 'sent'],
  ['known to nobody', { kind: 'absent' }, 'signed'],
  ['not told', { kind: 'silent' }, 'signed'],
] as const)('has what was %s on record as that', async (_, fate, state) => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  await wallet.record({
    ...movedEntry(wallet.signer!.address, 'signed'),
    transaction: sampleRecord({ state: 'signed' }),
  })
  scene.fate = fate
  for (let i = 0; i < 3; i++) await wallet.refresh()
  await expect.poll(() => wallet.entries[0]).toMatchObject({ state })
})

it('calls a transaction open again when a fork took its block back', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  await wallet.record({
    ...{ ...movedEntry(wallet.signer!.address, 'mined'), block: 3 },
    transaction: sampleRecord({ state: 'mined', block: 3 }),
  })
  scene.fate = { kind: 'absent' }
  scene.perform = () => new Promise(() => undefined) // it is followed anew
  for (let i = 0; i < 3; i++) await wallet.refresh()
  await expect.poll(() => wallet.entries[0]).toMatchObject({ state: 'signed', block: undefined })
})

it('takes the note of a deed that a fork undid away at once, long before it is deep, and follows it anew', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  expect(await wallet.do(depositIntent)).toBe(true)
  expect(wallet.act.state?.stage).toBe('mined')
  scene.fate = { kind: 'absent' }
  const resumed = Promise.withResolvers<void>()
  scene.perform = async ({ onState }) => {
    onState({ stage: 'unknown', hash: '0xaa', why: new InfernetError('wallet.unknown'), canSendAgain: true })
    resumed.resolve()
    await new Promise(() => undefined)
  }
  await wallet.refresh()
  expect(wallet.entries[0], 'one look is no proof').toMatchObject({ state: 'mined' })
  for (let i = 0; i < 2; i++) await wallet.refresh()
  await resumed.promise
  expect(wallet.entries[0]).toMatchObject({ state: 'signed', block: undefined })
  expect([wallet.act.isBusy, wallet.act.state?.stage]).toEqual([true, 'unknown'])
})

it.each([
  ['failed', minedFate('success', 1n << 40n), 'mined'],
  ['partial', { kind: 'absent' }, 'signed'],
  ['dropped', { kind: 'waiting', nonce: 0 }, 'sent'],
] as const)(
  'looks again at what %s until it is deep: a fork may have it otherwise',
  async (was, fate, is) => {
    const { wallet, scene } = await openedWallet(new FakeClock())
    const transaction = sampleRecord({ state: was === 'partial' ? 'mined' : was, block: 99 })
    await wallet.record({ ...movedEntry(wallet.signer!.address, was), block: 99, transaction })
    scene.fate = fate
    scene.perform = () => new Promise(() => undefined) // it is followed anew
    for (let i = 0; i < 3; i++) await wallet.refresh()
    await expect.poll(() => wallet.entries[0]).toMatchObject({ state: is })
  },
)

it('does nothing for an account that it was not made for', async () => {
  const { wallet, kept } = await openedWallet(new FakeClock())
  expect(await wallet.do({ ...depositIntent, account: OTHER_ADDRESS })).toBe(false)
  expect([wallet.act.error?.code, wallet.act.account, kept.length]).toEqual([
    'wallet.other-account',
    OTHER_ADDRESS,
    0,
  ])
})

it('does nothing again for an account that its wallet has changed to', async () => {
  const signer = { ...memorySigner(OTHER_ADDRESS, 'injected') }
  const injected = injectedWallet('test.mock')
  const { wallet, scene } = await openedWallet(new FakeClock(), {
    ...{ injected: [injected], connect: async () => signer },
  })
  await wallet.signing.connect(injected)
  let tried = 0
  scene.perform = () => Promise.reject(new InfernetError(tried++ ? 'wallet.failed' : 'wallet.rejected'))
  expect(await wallet.do(depositIntent)).toBe(false)
  signer.address = '0x00000000000000000000000000000000000000bb'
  expect(await wallet.act.again()).toBe(false)
  expect([tried, wallet.act.error?.code, wallet.act.account]).toEqual([
    1,
    'wallet.other-account',
    OTHER_ADDRESS,
  ])
})

it('says that the chain is back, and no longer that it is silent', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  const fine = scene.perform
  scene.perform = () => Promise.reject(new InfernetError('wallet.unreachable'))
  scene.readFails = new InfernetError('wallet.unreachable')
  expect(await wallet.do(depositIntent)).toBe(false)
  await wallet.refresh()
  expect(wallet.act.error?.code).toBe('wallet.unreachable')
  scene.readFails = undefined
  await wallet.refresh()
  expect(wallet.act.error?.code).toBe('wallet.cause-gone')
  scene.perform = fine
  expect(await wallet.act.again()).toBe(true)
})

it('notes a faucet’s gift for the account that asked, by what that account has', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock())
  scene.change = withMoney(0n)
  expect(await wallet.askFaucet()).toBe(true)
  expect(wallet.entries[0]).toMatchObject({
    wallet: wallet.signer!.address.toLowerCase(),
    amount: 940n * INF,
  })
})

function minedFate(status: 'success' | 'reverted', blockNumber: bigint): Fate {
  const receipt = { transactionHash: '0xaa', status, blockNumber } as const
  return { kind: 'mined', receipt: receipt as unknown as Extract<Fate, { kind: 'mined' }>['receipt'] }
}

function movedEntry(address: string, state: MovedEntry['state']): MovedEntry {
  return {
    ...{ kind: 'moved', id: 'left', at: 1, chainId: 31337, wallet: address.toLowerCase(), what: 'deposit' },
    ...{ amount: -20n * INF, symbol: 'INF', decimals: 18, hash: '0xaa', state, block: undefined },
  }
}

it('says what the faucet refused, and notes what it gave', async () => {
  const { wallet, scene } = await openedWallet(new FakeClock(), {
    faucet: () => Promise.reject(new InfernetError('wallet.faucet-refused')),
  })
  expect(await wallet.askFaucet()).toBe(false)
  expect(wallet.signing.error?.code).toBe('wallet.faucet-refused')
  scene.faucet = async () => {
    scene.change = withMoney(0n)
  }
  expect(await wallet.askFaucet()).toBe(true)
  expect(wallet.entries[0]).toMatchObject({ what: 'faucet', amount: 940n * INF })
})

it.each(['earned', 'paid'] as const)(
  'marks what was %s as claimed once the chain has counted its voucher, whoever brought it',
  async (kind) => {
    const { wallet, money, scene, clock } = await openedWallet(new FakeClock())
    const line = {
      ...{ payer: chainAddress(OTHER_ADDRESS), provider: chainAddress(wallet.signer!.address), epoch: 0 },
      model: modelHash('ab'.repeat(32)),
    }
    const entry = (id: string, upTo: bigint): PaymentEntry => ({
      ...{
        id,
        at: clock.now(),
        chainId: money.network.chainId,
        wallet: wallet.signer!.address.toLowerCase(),
      },
      ...{ symbol: 'INF', decimals: 18, kind, peer: OTHER_ADDRESS, modelName: 'Tiny', tokens: [7] },
      ...{ due: 5n, paid: 5n, receipt: 'both', isClaimed: false, line: { ...line, upTo } },
    })
    const claimed = (): readonly unknown[] =>
      wallet.entries.flatMap((entry) => (entry.kind === kind && entry.isClaimed ? [entry.id] : []))
    await wallet.record(entry('first', 5n))
    await wallet.record(entry('second', 10n))
    await wallet.refresh()
    await settle(clock)
    expect(claimed()).toEqual([])
    scene.claimed = 7n
    await wallet.refresh()
    await expect.poll(claimed).toEqual(['first'])
    scene.claimed = 10n
    await wallet.refresh()
    await expect.poll(() => claimed().length).toBe(2)
    scene.claimed = 7n // a fork took the second claim back
    await wallet.refresh()
    await expect.poll(claimed).toEqual(['first'])
    scene.claimed = 10n
    for (let i = 0; i < 20; i++) await wallet.refresh()
    scene.claimed = 0n
    for (let i = 0; i < 3; i++) await wallet.refresh()
    await settle(clock)
    expect(claimed().length, 'what is deep is not taken back').toBe(2)
  },
)
