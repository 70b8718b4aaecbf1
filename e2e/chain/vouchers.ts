import { readFileSync } from 'node:fs'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { erc20Abi, parseEther, type Address, type Hex } from 'viem'
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import type { ChainSigner } from '#shared/settle/chain-signature.ts'
import { SETTLE_PROTOCOL } from '#shared/settle/claim-messages.ts'
import { encodeClaim, toChainVoucher } from '#shared/chain/encode-claim.ts'
import { leaveClaims, type RefusedClaim } from '#shared/settle/leave-claims.ts'
import { signVoucher, type SignedVoucher } from '#shared/settle/voucher.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import type { Relay } from '../../relay/create-relay.ts'
import type { TestChain } from './test-chain.ts'

export const SOME_MODEL = modelHash('c3'.repeat(32))
export const DAY_SECONDS = 86_400

export const keyOf = (file: string): Hex => readFileSync(file, 'utf8').trim() as Hex

export function mainEscrow({ network }: TestChain) {
  const [main] = network.escrows
  if (!main) throw new Error('the network has no escrow')
  return main
}

/** 100 INF for a payer, with a session that may spend all of it. */
export async function deposit(chain: TestChain, of: PrivateKeyAccount, session: ChainSigner): Promise<void> {
  const faucet = chain.wallet(privateKeyToAccount(keyOf(chain.chain.faucetKeyFile)))
  const amount = parseEther('100')
  const { asset, escrow } = mainEscrow(chain)
  const erc20 = { address: asset, abi: erc20Abi } as const
  await faucet.writeContract({ ...erc20, functionName: 'transfer', args: [of.address, amount] })
  const wallet = chain.wallet(of)
  await wallet.writeContract({ ...erc20, functionName: 'approve', args: [escrow, amount] })
  const expiry = Number((await chain.client.getBlock()).timestamp) + 20 * DAY_SECONDS
  const hash = await wallet.writeContract({
    address: escrow,
    abi: escrowAbi,
    functionName: 'depositWithSession',
    args: [amount, session.address, amount, expiry],
  })
  const { status } = await chain.client.waitForTransactionReceipt({ hash })
  if (status !== 'success') throw new Error('the deposit failed')
}

/** A voucher for whole or broken INF, of the first epoch. */
export function voucherOf(
  chain: TestChain,
  { payer, provider, relay }: { payer: Address; provider: Address; relay: Address },
  amount: string,
  session: ChainSigner,
): Promise<SignedVoucher> {
  return signVoucher(
    { chainId: chain.network.chainId, escrow: chainAddress(mainEscrow(chain).escrow) },
    {
      ...{ payer: chainAddress(payer), provider: chainAddress(provider), relay: chainAddress(relay) },
      ...{ model: SOME_MODEL, epoch: 0, cumulative: baseUnits(parseEther(amount)) },
    },
    session,
  )
}

/** The call that claims them, as anybody may send it. */
export function claimData(vouchers: readonly SignedVoucher[]): Hex {
  return encodeClaim(vouchers.map(toChainVoucher))
}

/** A provider's tab: comes, leaves a voucher, and is closed for good. Gives what the relay did not keep. */
export function leaveAndVanish(
  chain: TestChain,
  relay: Pick<Relay, 'addresses'>,
  signed: SignedVoucher,
): Promise<readonly RefusedClaim[]> {
  return leaveAllAndVanish(chain, relay, [signed])
}

/** One tab that provides for several operators, and leaves the vouchers of each. */
export async function leaveAllAndVanish(
  chain: TestChain,
  relay: Pick<Relay, 'addresses'>,
  vouchers: readonly SignedVoucher[],
): Promise<readonly RefusedClaim[]> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await startLocalNode({ key: privateKey })
  const { chainId, contracts } = chain.network
  const stake = chainAddress(contracts.stake)
  const openStream = async () =>
    (await node.dial(multiaddr(relay.addresses[0] ?? ''))).newStream(SETTLE_PROTOCOL)
  const escrow = chainAddress(mainEscrow(chain).escrow)
  const refused: RefusedClaim[] = []
  try {
    for (const [operator, own] of Map.groupBy(vouchers, ({ voucher }) => voucher.provider)) {
      const binding = await makeBinding(privateKey, { chainId, stake, operator })
      refused.push(
        ...(await leaveClaims({ clock: realClock, openStream }, { escrow, operator, binding }, own)),
      )
    }
    return refused
  } finally {
    await node.stop()
  }
}
