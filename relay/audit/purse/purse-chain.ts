import { keccak256, stringToHex, type Hex, type PublicClient } from 'viem'
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import type { Clock } from '#shared/base/clock.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { erc20Call, escrowData, type Call } from '#shared/chain/calls.ts'
import { feesNow } from '#shared/chain/fees.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import { assetAt, escrowAt } from '#shared/chain/reads.ts'
import { TransactionSender } from '../../chain/transaction-sender.ts'
import { PURSE_GAS, SESSION_SECONDS } from './constants.ts'

/** What pays the purses, and sends for it. */
export interface AuditWallet {
  readonly account: KeyVault
  readonly sender: TransactionSender
}

export interface PurseChainComponents {
  readonly client: PublicClient
  readonly clock: Clock
  readonly network: NetworkFile
  readonly wallet: AuditWallet
}

/** The two accounts of a purse: one holds the deposit, the other signs for it, as in a page. */
export interface PurseKeys {
  readonly payer: PrivateKeyAccount
  readonly session: PrivateKeyAccount
}

/** How far a purse that is over has come: what is asked back can be fetched after the escrow's grace. */
export type Returned = 'waiting' | 'done'

/** What purses do on the chain. Each step may be begun anew after it failed: it looks at what is there. */
export class PurseChain {
  readonly #components: PurseChainComponents
  readonly #stopper = new AbortController()

  constructor(components: PurseChainComponents) {
    this.#components = components
  }

  /** Ends what is waited for; what was sent may still be mined. */
  stop(): void {
    this.#stopper.abort(new InfernetError('chain.unavailable'))
  }

  /** The accounts of a purse follow from the wallet's key, so that no money is lost with a folder. */
  async keysOf(index: number): Promise<PurseKeys> {
    const derive = async (role: string): Promise<PrivateKeyAccount> => {
      const hash = keccak256(stringToHex(`Infernet audit purse, ${role}, ${index}`))
      return privateKeyToAccount(keccak256(await this.#components.wallet.account.sign({ hash })))
    }
    return { payer: await derive('payer'), session: await derive('session') }
  }

  /**
   * Gives it gas and money, and has it deposit the money under its session. Gives when the session ends, in seconds.
   *
   * @throws InfernetError `payment.no-deposit` where the wallet has too little, `chain.*`, or a node's refusal
   */
  async fill({ payer, session }: PurseKeys, amount: bigint): Promise<number> {
    const { client, wallet } = this.#components
    const { asset, escrow } = this.#escrow
    const known = await escrowAt(client, escrow)('session', payer.address, session.address)
    if (known.expiry > 0) return known.expiry
    const { maxFeePerGas } = await feesNow(client)
    const gas = maxFeePerGas * PURSE_GAS
    const has = await assetAt(client, asset)('balanceOf', payer.address)
    const lacks = has < amount ? amount - has : 0n
    const [coin, money] = [await client.getBalance(wallet.account), await this.#moneyOf(wallet.account)]
    if (coin < gas || money < lacks) throw new InfernetError('payment.no-deposit')
    if ((await client.getBalance(payer)) < gas / 2n)
      await this.#send(wallet.sender, { to: payer.address, data: '0x', value: gas })
    if (lacks > 0n) await this.#send(wallet.sender, erc20Call(asset, 'transfer', [payer.address, lacks]))
    const expiry = Number((await client.getBlock()).timestamp) + SESSION_SECONDS
    const limits = [amount, session.address, amount, expiry] as const
    await this.#as(payer, async (sender) => {
      await this.#send(sender, erc20Call(asset, 'approve', [escrow, amount]))
      await this.#send(sender, { to: escrow, data: escrowData('depositWithSession', limits) })
    })
    return expiry
  }

  /** Asks the deposit back, and after the grace fetches it and hands it to the wallet. @throws as `fill` */
  async takeBack({ payer }: Pick<PurseKeys, 'payer'>): Promise<Returned> {
    const { client, wallet } = this.#components
    const { asset, escrow } = this.#escrow
    return this.#as(payer, async (sender) => {
      const { balance, bond, withdrawAt } = await escrowAt(client, escrow)('account', payer.address)
      if (balance + bond > 0n) {
        if (withdrawAt === 0)
          await this.#send(sender, { to: escrow, data: escrowData('requestWithdrawal', []) })
        if (withdrawAt === 0 || withdrawAt > Number((await client.getBlock()).timestamp)) return 'waiting'
        await this.#send(sender, { to: escrow, data: escrowData('withdraw', []) })
      }
      const money = await this.#moneyOf(payer)
      if (money > 0n) await this.#send(sender, erc20Call(asset, 'transfer', [wallet.account.address, money]))
      return 'done'
    })
  }

  get #escrow(): NetworkFile['escrows'][number] {
    return payingEscrow(this.#components.network)
  }

  #moneyOf({ address }: { readonly address: Hex }): Promise<bigint> {
    return assetAt(this.#components.client, this.#escrow.asset)('balanceOf', address)
  }

  async #send(sender: TransactionSender, call: Call): Promise<void> {
    const { mined } = await raceSignal(sender.send(call), this.#stopper.signal)
    const { status } = await raceSignal(mined, this.#stopper.signal)
    if (status !== 'success') throw new InfernetError('chain.unavailable')
  }

  async #as<T>(account: KeyVault, act: (sender: TransactionSender) => Promise<T>): Promise<T> {
    const { client, clock, network } = this.#components
    const sender = new TransactionSender({ client, account, clock }, network)
    try {
      return await act(sender)
    } finally {
      sender.stop()
    }
  }
}
