/** Whether a network's money is worth something, and what such a network must be: asked before the first transaction. */
import type { PublicClient } from 'viem'
import { readCoin, type Coin } from './coin.ts'
import { REAL_DELAY_SECONDS, STAKE, type DeployOptions } from './parameters.ts'

export interface Money {
  readonly isTest: boolean
  /** The timelock's. */
  readonly delaySeconds: number
}

/** Below two, five cents are no amount; stablecoins have no more than eighteen. */
const DECIMALS = { least: 2, most: 18 }

/** @throws Error that says what is wrong and how to mend it; viem's errors. */
export async function decideMoney(reader: PublicClient, options: DeployOptions): Promise<Money> {
  const coin = options.coin === undefined ? undefined : await readCoin(reader, options.coin)
  const isTest = options.isTest ?? coin?.isFree ?? true
  const delaySeconds = options.timelockDelaySeconds ?? (isTest ? 0 : REAL_DELAY_SECONDS)
  if (coin && (coin.decimals < DECIMALS.least || coin.decimals > DECIMALS.most))
    throw new Error(
      `Nothing was deployed: ${coin.symbol} has ${coin.decimals} decimals. Name a coin with ${DECIMALS.least} to ${DECIMALS.most}.`,
    )
  if (!isTest) checkRealMoney(coin, delaySeconds)
  return { isTest, delaySeconds }
}

/** What SECURITY.md demands where money is worth something. */
function checkRealMoney(coin: Coin | undefined, delaySeconds: number): void {
  if (!coin)
    throw new Error(
      'Nothing was deployed: without --coin our test coin would be deployed, and anybody may mint it. Name a real coin with --coin ADDRESS, or leave out --real-money.',
    )
  if (coin.isFree)
    throw new Error(
      `Nothing was deployed: anybody may mint ${coin.symbol}, so it is no real money. Name another coin with --coin ADDRESS, or leave out --real-money.`,
    )
  if (delaySeconds <= STAKE.unbondSeconds)
    throw new Error(
      `Nothing was deployed: stake takes ${STAKE.unbondSeconds} seconds to leave, and with real money the timelock must wait longer, so that everybody can leave before a vote has its effect. Say --timelock-delay ${REAL_DELAY_SECONDS}, or leave it out.`,
    )
}
