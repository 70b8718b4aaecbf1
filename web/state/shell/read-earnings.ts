import type { Clock } from '#shared/base/clock.ts'
import { openMoneyStore } from '../../storage/money.ts'
import { earnedByHour } from '../models/earned.ts'
import type { MoneyEntry } from '../money/money-entries.ts'

/** What models earned by this browser's journal. @throws where it cannot be read */
export async function readEarnings(clock: Clock): Promise<ReadonlyMap<string, number>> {
  return earnedByHour(await openMoneyStore<MoneyEntry>().movements.list(), clock.now())
}
