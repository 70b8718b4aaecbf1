import { escrowAbi } from '#shared/abi/escrow.ts'
import { modelsAbi } from '#shared/abi/models.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { findAnvil } from '../chain/find-anvil.ts'
import { startTestChain } from '../chain/test-chain.ts'
import type { BenchOptions } from './figure.ts'
import { measureBatches, measureClaims, measureDefault } from './money/claim-calls.ts'
import { measureDeploys } from './money/deploys.ts'
import { measureDeposits } from './money/deposit-calls.ts'
import { GasMeter } from './money/gas-meter.ts'
import { measureStake } from './money/stake-calls.ts'
import { measureModels, measureToken } from './money/token-and-models.ts'
import { measureVoucherShare } from './money/voucher-share.ts'
import { World } from './money/world.ts'

/** The timelock alone calls these, a vote at a time. */
const VOTED = ['stake.setCourt', 'stake.setMinimum']

const PARTS: Readonly<Record<string, (options: BenchOptions) => Promise<readonly string[] | void>>> = {
  gas: benchGas,
  voucher: measureVoucherShare,
}

/** What money costs: gas of every call on a real chain, by its receipts, and a voucher beside the chunk that it pays. */
export async function benchMoney(options: BenchOptions): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [name, measure] of Object.entries(PARTS)) {
    if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue
    try {
      failed.push(...((await measure(options)) ?? []))
    } catch (thrown) {
      failed.push(`money: ${name}`)
      console.error(`money: ${name} could not be measured:`, inWords(thrown))
    }
  }
  return failed
}

/** viem's errors name their cause in the message; their fields repeat it a dozen times. */
function inWords(thrown: unknown): unknown {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown
}

/** Gives the calls of our contracts that were forgotten. */
async function benchGas({ print }: BenchOptions): Promise<readonly string[]> {
  if (findAnvil() === undefined) {
    console.error('money: gas is skipped: there is no anvil here (https://getfoundry.sh)')
    return []
  }
  await using chain = await startTestChain()
  const world = new World(new GasMeter(chain, print))
  await measureDeploys(world)
  await measureToken(world)
  await measureModels(world)
  await measureStake(world)
  await measureDeposits(world)
  await measureClaims(world)
  await measureBatches(world)
  await measureDefault(world)
  const forgotten = world.meter
    .unmeasured([
      { name: 'escrow', address: world.escrow, abi: escrowAbi },
      { name: 'stake', address: world.stake, abi: stakeAbi },
      { name: 'models', address: chain.network.contracts.models, abi: modelsAbi },
    ])
    .filter((call) => !VOTED.includes(call))
  for (const call of forgotten) console.error(`money: ${call} was not measured`)
  return forgotten
}
