import type { Clock } from '#shared/base/clock.ts'
import type { Snapshot } from '../../wallet/read-snapshot.ts'
import type { ActIntent } from '../money/wallet-act.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'
import { INF, memoryMoney, type MoneyScene } from './memory-money.ts'
import { memoryServices } from './memory-services.ts'

export const OTHER_ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

/** A deposit that does nothing by itself: the scene says how it goes. */
export const depositIntent: ActIntent = {
  what: 'deposit',
  act: async () => undefined,
  amount: -20n * INF,
  symbol: 'INF',
  decimals: 18,
}

/** A clock that a test moves on. */
interface MovedClock extends Clock {
  advance(ms: number): Promise<void>
}

/** A snapshot's main asset with so much deposited. */
export const withMoney =
  (deposit: bigint, more: Partial<Snapshot['escrows'][number]> = {}) =>
  (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    escrows: [{ ...snapshot.escrows[0]!, balance: 940n * INF, deposit, ...more }],
  })

/** A wallet that has been opened over a scene. */
export async function openedWallet(
  clock: MovedClock,
  change: Partial<MoneyScene> & { isTest?: boolean } = {},
  settings: Record<string, string> = {},
) {
  const memory = memoryMoney(clock, change)
  const world = memoryServices(clock, { money: memory.money })
  for (const [name, value] of Object.entries(settings)) world.settings.set(name, value)
  const wallet = new Wallet(world.services)
  wallet.start()
  await settle(clock)
  return { clock, wallet, ...memory, settings: world.settings }
}

/** Sealing a key is real work of the platform's, which no fake clock moves. */
export async function settle(clock: MovedClock): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await clock.advance(1)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
