import { createPublicClient, erc20Abi, http, type Address, type Hex } from 'viem'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'

/** Who paid whom for which model, and what the chain has counted of it. */
export interface PaidLine {
  readonly payer: Address
  readonly provider: Address
  readonly model: Hex
  readonly relay: Address
  readonly claimed: bigint
}

/** Reads the first escrow of a network and its stakes, as anybody can. */
export function readerOf(rpcUrl: string, { contracts, escrows: [main] }: NetworkFile) {
  if (!main) throw new Error('the network has no escrow')
  const client = createPublicClient({ transport: http(rpcUrl) })
  const { asset, escrow } = main
  const read = { address: escrow, abi: escrowAbi } as const
  const account = (payer: Address) => client.readContract({ ...read, functionName: 'account', args: [payer] })
  return {
    balanceOf: (owner: Address): Promise<bigint> =>
      client.readContract({ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [owner] }),
    account,
    /** What vouchers of that payer are paid from. */
    depositOf: async (payer: Address): Promise<bigint> => (await account(payer)).balance,
    stakeOf: (operator: Address) =>
      client.readContract({
        ...{ address: contracts.stake, abi: stakeAbi },
        functionName: 'operatorOf',
        args: [operator],
      }),
    /** Every line that anything was ever claimed of, in the payers' first epoch. */
    async lines(): Promise<readonly PaidLine[]> {
      const named = { address: escrow, abi: escrowAbi, eventName: 'Claimed', strict: true } as const
      const events = await client.getContractEvents({ ...named, fromBlock: 0n })
      const keys = events.map(({ args: { payer, provider, model } }) => `${payer} ${provider} ${model}`)
      const first = events.filter((_, i) => keys.indexOf(keys[i] ?? '') === i)
      return Promise.all(
        first.map(async ({ args: { payer, provider, model, relay } }) => {
          const args = [payer, 0, provider, model] as const
          const claimed = await client.readContract({ ...read, functionName: 'claimedOf', args })
          return { payer, provider, model, relay, claimed }
        }),
      )
    },
  }
}
