import { readFileSync } from 'node:fs'
import {
  encodeFunctionData,
  erc20Abi,
  parseEther,
  parseSignature,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Hex,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import type { escrowAbi } from '#shared/abi/escrow.ts'
import { modelsAbi } from '#shared/abi/models.ts'
import { timelockAbi } from '#shared/abi/timelock.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { chainAddress, type ModelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { signVoucher, type SignedVoucher } from '#shared/settle/voucher.ts'
import { toChainVoucher } from '#shared/chain/encode-claim.ts'
import {
  claimCall,
  collectCall,
  erc20Call,
  escrowData,
  stakeData,
  sweepCall,
  type Call,
} from '#shared/chain/calls.ts'
import type { TestChain } from '../../chain/test-chain.ts'
import type { GasMeter } from './gas-meter.ts'

export const INF = parseEther('1')
export const DAY_SECONDS = 86_400
const ZERO_WORD: Hex = `0x${'0'.repeat(64)}`

type Name<A extends Abi> = ContractFunctionName<A, 'nonpayable'>
type EscrowCall = Name<typeof escrowAbi>

/** Somebody who deposited, and the key that signs for it. */
export interface Payer {
  readonly account: PrivateKeyAccount
  readonly session: ChainSigner
}

/** Whom a voucher pays. */
export interface Line {
  readonly provider: Address
  readonly model: ModelHash
  readonly relay: Address
}

/** A chain with our contracts, as people who pay and are paid use it. */
export class World {
  readonly meter: GasMeter
  readonly chain: TestChain
  readonly token: Address
  readonly escrow: Address
  readonly stake: Address
  /** The calls that claim, as a relay sends them. */
  readonly claims = {
    claim: (batch: readonly SignedVoucher[]) => claimCall(this.escrow, batch.map(toChainVoucher)),
    sweep: (of: SignedVoucher) => sweepCall(this.escrow, toChainVoucher(of).voucher),
    collect: (owner: Address) => collectCall(this.escrow, owner),
  }
  /** Has all INF there is, may pause, and is obeyed by the timelock, which has no delay here. */
  readonly deployer: PrivateKeyAccount

  constructor(meter: GasMeter) {
    const { chain } = meter
    const [inf] = chain.network.escrows
    if (!inf) throw new Error('the network has no escrow')
    this.meter = meter
    this.chain = chain
    this.token = inf.asset
    this.escrow = inf.escrow
    this.stake = chain.network.contracts.stake
    this.deployer = privateKeyToAccount(readFileSync(chain.chain.faucetKeyFile, 'utf8').trim() as Hex)
  }

  /** Someone new, with gas and INF. */
  async person(amount = 1000n * INF): Promise<PrivateKeyAccount> {
    const account = await this.chain.account()
    if (amount > 0n)
      await this.meter.send(this.deployer, erc20Call(this.token, 'transfer', [account.address, amount]))
    return account
  }

  async approve(owner: PrivateKeyAccount, spender: Address, amount: bigint): Promise<void> {
    await this.meter.send(owner, erc20Call(this.token, 'approve', [spender, amount]))
  }

  /** ERC-2612, good for a day. */
  async permit(owner: PrivateKeyAccount, spender: Address, value: bigint) {
    const { client } = this.chain
    const { name, version, chainId, verifyingContract } = (
      await client.getEip712Domain({ address: this.token })
    ).domain
    const domain = { name, version, chainId, verifyingContract } // without its salt, which is no field of it
    const deadline = BigInt((await this.time()) + DAY_SECONDS)
    const types = {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    } as const
    const message = { owner: owner.address, spender, value, nonce: 0n, deadline }
    const signature = await owner.signTypedData({ domain, types, primaryType: 'Permit', message })
    const { r, s, yParity } = parseSignature(signature)
    return { deadline, v: 27 + yParity, r, s }
  }

  escrowCall<N extends EscrowCall>(
    name: N,
    args: ContractFunctionArgs<typeof escrowAbi, 'nonpayable', N>,
  ): Call {
    return { to: this.escrow, data: escrowData(name, args) }
  }

  stakeCall(name: Parameters<typeof stakeData>[0], args: readonly unknown[]): Call {
    return { to: this.stake, data: stakeData(name, args as Parameters<typeof stakeData>[1]) }
  }

  modelsCall<N extends Name<typeof modelsAbi>>(
    functionName: N,
    args: ContractFunctionArgs<typeof modelsAbi, 'nonpayable', N>,
  ): Call {
    const data = encodeFunctionData<Abi, string>({
      abi: modelsAbi,
      functionName,
      args: args as readonly unknown[],
    })
    return { to: this.chain.network.contracts.models, data }
  }

  /** What a vote decided, carried out. */
  async govern({ to, data }: Call): Promise<void> {
    const { timelock } = this.chain.network.contracts
    const call = { abi: timelockAbi } as const
    const what = [to, 0n, data, ZERO_WORD, ZERO_WORD] as const
    const schedule = encodeFunctionData({ ...call, functionName: 'schedule', args: [...what, 0n] })
    const execute = encodeFunctionData({ ...call, functionName: 'execute', args: what })
    for (const data of [schedule, execute]) await this.meter.send(this.deployer, { to: timelock, data })
  }

  /** A new payer with that much in the escrow, and a session that may spend ten times as much. */
  async payer(amount = 100n * INF): Promise<Payer> {
    const account = await this.person(amount)
    const session = newSession()
    await this.approve(account, this.escrow, amount)
    const args = [amount, session.address, 10n * amount, await this.expiry()] as const
    await this.meter.send(account, this.escrowCall('depositWithSession', args))
    return { account, session }
  }

  /** All in all, in INF. */
  sign({ account, session }: Payer, line: Line, cumulative: bigint): Promise<SignedVoucher> {
    const voucher = {
      payer: chainAddress(account.address),
      provider: chainAddress(line.provider),
      relay: chainAddress(line.relay),
      model: line.model,
      epoch: 0,
      cumulative: baseUnits(cumulative * INF),
    }
    const id = { chainId: this.chain.network.chainId, escrow: chainAddress(this.escrow) }
    return signVoucher(id, voucher, session)
  }

  async expiry(): Promise<number> {
    return (await this.time()) + 20 * DAY_SECONDS
  }

  async pass(seconds: number): Promise<void> {
    await this.chain.client.increaseTime({ seconds })
    await this.chain.client.mine({ blocks: 1 })
  }

  /**
   * Goes on to the first hour of a day: that a provider has stake is asked once a day of UTC, and a day that ends between
   * two claims would be a figure of its own.
   */
  async passToMorning(): Promise<void> {
    const now = await this.time()
    await this.pass(DAY_SECONDS - (now % DAY_SECONDS) + 3600)
  }

  async balanceOf(owner: Address): Promise<bigint> {
    const of = { address: this.token, abi: erc20Abi } as const
    return this.chain.client.readContract({ ...of, functionName: 'balanceOf', args: [owner] })
  }

  private async time(): Promise<number> {
    return Number((await this.chain.client.getBlock()).timestamp)
  }
}

/** A key without money. */
export function newSession(): ChainSigner {
  return createChainSigner(fromHex(generatePrivateKey().slice(2)))
}
