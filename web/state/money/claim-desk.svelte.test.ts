import { expect, it } from 'vitest'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits, epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import type { Signer } from '../../wallet/signer.ts'
import { ClaimDesk } from './claim-desk.svelte.ts'
import type { ActRunOptions } from './money-services.ts'
import { Settings } from '../session/settings.svelte.ts'
import {
  INF,
  injectedWallet,
  memoryMoney,
  memorySigner,
  type MoneyScene,
  sampleRecord,
} from '../testing/memory-money.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { Wallet } from './wallet.svelte.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const PAYERS = ['a', 'b', 'c'].map((digit) => chainAddress(`0x${digit.repeat(40)}`))
const OTHER = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

/** A wallet with vouchers of some payers; with a gas price of 1 gwei a claim of two costs some 0.0003 INF. */
async function opened(
  amounts: readonly bigint[],
  change: Partial<MoneyScene> & { isTest?: boolean; signer?: Signer; settings?: Record<string, string> } = {},
) {
  const clock = new FakeClock()
  const memory = memoryMoney(clock, change)
  const claims: { kind: Signer['kind']; at: number }[] = []
  const money = {
    ...memory.money,
    act: (signer: Signer, options: ActRunOptions) => {
      claims.push({ kind: signer.kind, at: clock.monotonic() })
      return memory.money.act(signer, options)
    },
  }
  const world = memoryServices(clock, { money })
  for (const [name, value] of Object.entries(change.settings ?? {})) world.settings.set(name, value)
  const wallet = new Wallet(world.services)
  const desk = new ClaimDesk(clock, wallet, new Settings(world.services.settings))
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await clock.advance(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  wallet.start()
  await settle()
  if (change.signer) {
    memory.scene.connect = async () => change.signer
    await wallet.signing.connect(injectedWallet('io.mock'))
  }
  const escrow = chainAddress(money.network.escrows[0]!.escrow)
  const provider = chainAddress(wallet.signer!.address)
  const ledger = await PayeeLedger.load(money.ledger, { chainId: 31337, escrow }, provider)
  for (const [i, amount] of amounts.entries())
    await ledger.keep(
      {
        voucher: {
          ...{ payer: PAYERS[i]!, provider, model: modelHash('ab'.repeat(32)), epoch: 0 },
          ...{ relay: chainAddress(`0x${'0'.repeat(40)}`), cumulative: baseUnits(amount) },
        },
        signer: chainAddress(`0x${'5'.repeat(40)}`),
        signature: new Uint8Array(64),
      },
      { sessionExpiry: epochMillis(clock.now() + 24 * HOUR) },
    )
  wallet.stop() // its beat of every second is not what is looked at here
  const held = async () =>
    (await PayeeLedger.load(money.ledger, { chainId: 31337, escrow }, provider)).vouchers
  return { ...memory, money, clock, wallet, desk, world, claims, settle, held }
}

it('claims when it brings twenty times its gas, once, and puts it on record as any other claim', async () => {
  const { desk, claims, kept, scene, clock, held } = await opened([INF / 100n, INF / 50n])
  desk.start()
  await clock.advance(10)
  expect(claims).toEqual([])
  scene.perform = async ({ onRecord, onState }) => {
    scene.payable = () => 0n
    scene.claimed = INF / 50n
    await onRecord(sampleRecord({ state: 'mined', block: 1 }), false)
    onState({ stage: 'mined', hash: '0xaa', fee: 7n, block: 0n })
  }
  await clock.advance(4000)
  expect(claims).toMatchObject([{ kind: 'tab' }])
  // Of 0.03 INF a fiftieth burns and three hundredths are the treasury's; no relay is named.
  expect(kept).toMatchObject([{ what: 'claim', amount: (INF * 3n * 95n) / 10_000n, state: 'mined' }])
  expect((await held()).map(({ claimed }) => claimed)).toEqual([INF / 50n, INF / 50n])
  await clock.advance(20 * MINUTE)
  expect(claims).toHaveLength(1)
})

it('lets what is not worth it wait, claims it when lending ends, and never for more than it brings', async () => {
  const { desk, claims, clock, scene } = await opened([INF / 1000n])
  desk.start()
  await clock.advance(20 * MINUTE)
  expect([claims, desk.waiting, desk.hindrance]).toEqual([[], undefined, undefined])
  scene.gasPrice = 10n ** 10n
  await desk.close()
  expect(claims, 'it would cost three times as much').toEqual([])
  scene.gasPrice = 10n ** 9n
  scene.payable = () => (claims.length > 0 ? 0n : INF / 1000n)
  await desk.look()
  expect(claims).toHaveLength(1)
  desk.open()
  scene.payable = () => INF / 1000n
  await desk.look()
  expect(claims).toHaveLength(1)
})

it('claims before a payer may withdraw, and before the grace of a session is over', async () => {
  const { desk, claims, scene, clock } = await opened([INF / 1000n])
  scene.payable = () => (claims.length > 0 ? 0n : INF / 1000n)
  scene.withdrawAt = epochMillis(clock.now() + 19 * HOUR)
  await desk.look()
  expect(claims, 'a quarter of the grace is not reached').toEqual([])
  scene.withdrawAt = epochMillis(clock.now() + 18 * HOUR)
  await desk.look()
  expect(claims).toHaveLength(1)
  const other = await opened([INF / 1000n])
  other.scene.payable = () => (other.claims.length > 0 ? 0n : INF / 1000n)
  other.scene.sessionExpiry = epochMillis(other.clock.now() - 54 * HOUR) // revoked: earlier than on record
  await other.desk.look()
  expect(other.claims).toHaveLength(1)
})

it('waits for the visitor’s own act, and claims after it', async () => {
  const { desk, claims, wallet, scene, clock, settle } = await opened([INF])
  const { promise, resolve } = Promise.withResolvers<void>()
  const mine = scene.perform
  scene.perform = (options) => promise.then(() => mine(options))
  const own = wallet.do({
    what: 'send',
    act: async () => undefined,
    amount: -1n,
    symbol: 'INF',
    decimals: 18,
  })
  await settle()
  await desk.look()
  expect([claims.length, desk.isClaiming]).toEqual([1, false])
  resolve()
  await own
  scene.payable = () => (claims.length > 1 ? 0n : INF)
  await clock.advance(31_000)
  expect(claims).toHaveLength(2)
  expect(wallet.act.intent?.what, 'the visitor’s note stays theirs').toBe('send')
})

it('asks anew when another claimed one of them at the same moment, and claims the rest', async () => {
  const { desk, claims, scene, kept } = await opened([INF, 2n * INF])
  const mine = scene.perform
  scene.perform = async (options) => {
    if (claims.length > 1) {
      scene.payable = () => 0n
      return mine(options)
    }
    scene.claimed = 2n * INF
    scene.payable = ({ voucher }) => (voucher.payer === PAYERS[1] ? 0n : INF)
    throw new InfernetError('wallet.reverted', { reason: 'it adds nothing' })
  }
  await desk.look()
  expect(claims).toHaveLength(2)
  expect(kept).toMatchObject([{ what: 'claim', amount: (INF * 95n) / 100n }])
})

it('tries the same never again while the contract goes on refusing', async () => {
  const { desk, claims, scene } = await opened([INF])
  scene.perform = () => Promise.reject(new InfernetError('wallet.reverted', { reason: 'it says' }))
  await desk.look()
  expect(claims).toHaveLength(1)
})

it('claims what the day allows, and the rest on the next', async () => {
  const { desk, claims, kept, scene, clock } = await opened([INF, 2n * INF, 3n * INF], {
    dailyLeft: 4n * INF,
  })
  const mine = scene.perform
  scene.perform = async (options) => {
    scene.dailyLeft = 0n
    scene.payable = () => 0n
    await mine(options)
  }
  await desk.look()
  // Of the three it takes the largest, and of the next as much as is left.
  expect(kept).toMatchObject([{ what: 'claim', amount: (4n * INF * 95n) / 100n }])
  await desk.look()
  expect(claims).toHaveLength(1)
  await clock.advance(24 * HOUR)
  scene.dailyLeft = 4n * INF
  scene.payable = () => 2n * INF
  scene.perform = mine
  await desk.look()
  expect(claims.length).toBeGreaterThan(1)
})

it('leaves out what the chain would refuse, before anything is sent', async () => {
  const { desk, claims, kept, scene } = await opened([INF, 2n * INF, 3n * INF])
  scene.refusal = (entries) => {
    const index = entries.findIndex(({ voucher }) => voucher.payer === PAYERS[1])
    return index < 0 ? undefined : { name: 'StaleVoucher', index }
  }
  const mine = scene.perform
  scene.perform = async (options) => {
    scene.payable = () => 0n
    await mine(options)
  }
  await desk.look()
  expect(claims).toHaveLength(1)
  expect(kept).toMatchObject([{ what: 'claim', amount: (4n * INF * 95n) / 100n, state: 'mined' }])
})

it('halves what a block reverts until the one that spoils it stands alone', async () => {
  const { desk, claims, kept, scene } = await opened([INF, 2n * INF, 3n * INF])
  const mine = scene.perform
  const paid = new Set<string>()
  scene.payable = ({ voucher }) => (paid.has(voucher.payer) ? 0n : voucher.cumulative)
  const asked: string[][] = []
  scene.refusal = (entries) => void asked.push(entries.map(({ voucher }) => voucher.payer))
  scene.perform = async (options) => {
    const batch = asked.at(-1) ?? []
    if (batch.includes(PAYERS[2]!)) throw new InfernetError('wallet.reverted', { reason: 'it says' })
    for (const payer of batch) paid.add(payer)
    await mine(options)
  }
  await desk.look()
  expect(asked.map(({ length }) => length)).toEqual([3, 2, 1, 2])
  expect([claims.length, paid]).toEqual([4, new Set([PAYERS[0], PAYERS[1]])])
  expect(kept).toMatchObject([{ what: 'claim', amount: (3n * INF * 95n) / 100n, state: 'mined' }])
})

it('goes by what the chain would pay: many that only boast keep none from its money', async () => {
  const { desk, kept, scene } = await opened([2n ** 90n, 2n ** 91n, 2n * INF])
  const mine = scene.perform
  scene.payable = ({ voucher }) => (voucher.payer === PAYERS[2] ? 2n * INF : 1n)
  scene.perform = async (options) => {
    scene.payable = () => 0n
    await mine(options)
  }
  await desk.look()
  expect(kept).toMatchObject([{ what: 'claim', amount: (2n * INF * 95n) / 100n }])
})

it('leaves it to the relay when the wallet has no coin for the fee, and says so', async () => {
  const { desk, claims } = await opened([INF], { change: (snapshot) => ({ ...snapshot, native: 1n }) })
  await desk.look()
  expect([claims, desk.hindrance, desk.waiting]).toEqual([[], 'no-gas', undefined])
})

it('never signs with an extension’s wallet, but tells what waits and until when', async () => {
  const { desk, claims, scene, clock, wallet } = await opened([INF], {
    signer: memorySigner(OTHER, 'injected'),
  })
  await desk.look()
  const lostAt = scene.sessionExpiry + 72 * HOUR
  expect([claims, desk.waiting]).toEqual([[], { amount: (INF * 95n) / 100n, lostAt }])
  scene.payable = () => 0n
  await desk.look()
  expect(desk.waiting).toBeUndefined()
  scene.payable = () => INF
  await desk.look()
  await wallet.signing.takeKept(wallet.signing.kept[0]!)
  expect([desk.waiting, clock.monotonic() > 0], 'it is another wallet’s').toEqual([undefined, true])
})

it('only tells when it is switched off', async () => {
  const { desk, claims } = await opened([INF], { settings: { 'claim.itself': 'no' } })
  await desk.look()
  expect([claims, desk.waiting?.amount]).toEqual([[], (INF * 95n) / 100n])
})

it('waits for as much as the visitor wants to', async () => {
  const { desk, claims, scene } = await opened([INF], { settings: { 'claim.least': '1.5' } })
  await desk.look()
  expect(claims).toEqual([])
  scene.payable = () => (claims.length > 0 ? 0n : (3n * INF) / 2n)
  const more = await opened([2n * INF], { settings: { 'claim.least': '1.5' } })
  more.scene.payable = () => (more.claims.length > 0 ? 0n : 2n * INF)
  await more.desk.look()
  expect(more.claims).toHaveLength(1)
})

it('looks soon after a voucher came, and not at each one', async () => {
  let asked = 0
  const { desk, clock, claims } = await opened([INF / 1000n], {
    payable: () => {
      asked++
      return INF / 1000n
    },
  })
  for (let i = 0; i < 30; i++) {
    desk.soon()
    await clock.advance(1000)
  }
  expect([asked, claims]).toEqual([1, []])
  desk.soon()
  await clock.advance(4000)
  expect(asked).toBe(2)
  desk.stop()
})

it('keeps still when the chain does not answer, and tries again', async () => {
  const { desk, claims, money, clock, scene } = await opened([INF])
  const unreachable = () => Promise.reject(new InfernetError('wallet.unreachable'))
  const silent = Object.assign(money, { gasPrice: unreachable })
  scene.payable = () => (claims.length > 0 ? 0n : INF)
  desk.start()
  await clock.advance(10_000)
  expect(claims).toEqual([])
  Object.assign(silent, { gasPrice: async () => scene.gasPrice })
  await clock.advance(5 * MINUTE)
  expect(claims).toHaveLength(1)
})
