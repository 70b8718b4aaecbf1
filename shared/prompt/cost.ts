import { baseUnits, type BaseUnits } from '../base/units.ts'
import type { Price } from './prompt.ts'

const MILLION = 1_000_000n

/**
 * What reading and writing that many tokens costs, rounded up once, at the end: against the payer, by less than a base
 * unit. The cost of parts is therefore never below that of the whole.
 */
export function costOf(price: Price, promptTokens: number, outputTokens: number): BaseUnits {
  const millionths =
    price.promptPerMillion * BigInt(promptTokens) + price.outputPerMillion * BigInt(outputTokens)
  return baseUnits((millionths + MILLION - 1n) / MILLION)
}
