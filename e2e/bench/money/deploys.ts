import type { World } from './world.ts'

/** What putting each contract there took, by the receipts of the deployment that has just been. */
export async function measureDeploys({ chain, meter }: World): Promise<void> {
  const { client, network } = chain
  const { timelock, token, models, stake } = network.contracts
  const [inf] = network.escrows
  const names: Readonly<Record<string, string>> = {
    [timelock]: 'deployTimelock',
    [token]: 'deployToken',
    [models]: 'deployModels',
    [stake]: 'deployStake',
    [inf?.escrow ?? '']: 'deployEscrow',
  }
  const newest = await client.getBlockNumber()
  const seen: string[] = []
  for (let blockNumber = BigInt(network.deployBlock); blockNumber <= newest; blockNumber++)
    for (const hash of (await client.getBlock({ blockNumber })).transactions) {
      const { contractAddress, gasUsed } = await client.getTransactionReceipt({ hash })
      const name = Object.entries(names).find(
        ([address]) => address.toLowerCase() === contractAddress?.toLowerCase(),
      )?.[1]
      if (name === undefined) continue
      seen.push(name)
      meter.print(name, Number(gasUsed))
    }
  const missing = Object.values(names).filter((name) => !seen.includes(name))
  if (missing.length > 0) throw new Error(`no receipt of ${missing.join(', ')}`)
}
