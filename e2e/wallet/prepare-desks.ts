import { numberToHex, type Address, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import type { MovedWhat } from '../../web/state/money/money-entries.ts'
import { encodeClaim } from '#shared/chain/encode-claim.ts'
import type { ClaimEntry } from '../../web/wallet/acts.ts'
import { erc20Call, escrowData, stakeData } from '#shared/chain/calls.ts'
import { INF, MODEL, NO_RELAY, bindingOf, type ActName, type ActOrder } from './page/act-orders.ts'
import type { TestChain } from './test-chain.ts'

/** What each act is called in the journal. */
const ENTRIES: Readonly<Record<ActName, MovedWhat>> = {
  send: 'send',
  'send-coin': 'send',
  deposit: 'deposit',
  session: 'session',
  revoke: 'revoke',
  request: 'request',
  'cancel-withdrawal': 'cancel-withdrawal',
  withdraw: 'withdraw',
  settle: 'settle',
  claim: 'claim',
  stake: 'stake',
  'stake-more': 'stake',
  unbond: 'unbond',
  'cancel-unbond': 'cancel-unbond',
  'withdraw-stake': 'withdraw-stake',
  rename: 'stake',
}
export const ACT_NAMES = Object.keys(ENTRIES) as ActName[]

/** An account of its own for one act, in the state that the act needs. */
export interface PreparedDesk {
  readonly name: string
  readonly act: ActName
  readonly key: Hex
  readonly account: PrivateKeyAccount
  readonly order: ActOrder
  /** Its transactions before the test. */
  readonly count: number
}

const EIGHT_DAYS = 8 * 86_400

/** Puts accounts into the state that their act needs; time goes by once for all of them. */
export class DeskMaker {
  readonly #chain: TestChain
  readonly #escrow: Address
  readonly #asset: Address
  readonly #stake: Address

  constructor(chain: TestChain) {
    const [main] = chain.network.escrows
    if (!main) throw new Error('no escrow')
    this.#chain = chain
    this.#escrow = main.escrow
    this.#asset = main.asset
    this.#stake = chain.network.contracts.stake
  }

  async prepare(names: readonly { readonly name: string; readonly act: ActName }[]): Promise<PreparedDesk[]> {
    const { control } = this.#chain
    const begun = names.map(({ name, act }) => {
      const key = generatePrivateKey()
      return { name, act, key, account: privateKeyToAccount(key) }
    })
    const accounts = begun.map(({ account }) => account)
    for (const account of accounts) await this.#fund(account.address)
    for (const { act, account } of begun) await this.#before(act, account)
    await control.increaseTime({ seconds: EIGHT_DAYS })
    await control.mine({ blocks: 1 })
    const expiry = Number((await control.getBlock()).timestamp) + 12 * 3600
    const desks: PreparedDesk[] = []
    for (const { act, account, ...rest } of begun) {
      const key = privateKeyToAccount(generatePrivateKey()).address
      const session = { key, cap: 20n * INF, expiry }
      if (act === 'revoke')
        await this.#as(
          account.address,
          this.#escrow,
          escrowData('authorizeSession', [key, 20n * INF, expiry]),
        )
      const voucher = act === 'claim' ? await this.#voucherFor(account.address) : undefined
      const order: ActOrder = {
        ...{ name: act, entry: ENTRIES[act], escrow: this.#escrow, asset: this.#asset, stake: this.#stake },
        ...{ owner: account.address, session, voucher },
      }
      const count = await control.getTransactionCount({ address: account.address })
      desks.push({ ...rest, act, account, order, count })
    }
    return desks
  }

  /** An account that the node plays, and that can sign no permit, as an extension's. */
  async play(address: Address): Promise<void> {
    await this.#chain.control.setCode({ address, bytecode: '0x00' })
    await this.#chain.control.impersonateAccount({ address })
  }

  async #fund(address: Address): Promise<void> {
    await this.#chain.fund(address)
    await this.#chain.control.impersonateAccount({ address })
  }

  async #before(act: ActName, account: PrivateKeyAccount): Promise<void> {
    const { address } = account
    switch (act) {
      case 'request':
        return this.#deposit(address)
      case 'cancel-withdrawal':
      case 'withdraw':
        await this.#deposit(address)
        return this.#as(address, this.#escrow, escrowData('requestWithdrawal', []))
      case 'settle': {
        await this.#deposit(address)
        const provider = privateKeyToAccount(generatePrivateKey()).address
        await this.#fund(provider)
        const entry = await this.#sign(account, provider, 30n * INF)
        return this.#as(provider, this.#escrow, encodeClaim([entry]))
      }
      case 'stake-more':
      case 'unbond':
      case 'rename':
        return this.#register(address)
      case 'cancel-unbond':
      case 'withdraw-stake':
        await this.#register(address)
        return this.#as(address, this.#stake, stakeData('unbond', [20n * INF]))
      default:
        return undefined
    }
  }

  async #deposit(address: Address): Promise<void> {
    const approve = erc20Call(this.#asset, 'approve', [this.#escrow, 20n * INF])
    await this.#as(address, approve.to, approve.data)
    await this.#as(address, this.#escrow, escrowData('deposit', [20n * INF]))
  }

  async #register(address: Address): Promise<void> {
    const approve = erc20Call(this.#asset, 'approve', [this.#stake, 150n * INF])
    await this.#as(address, approve.to, approve.data)
    await this.#as(address, this.#stake, stakeData('register', [bindingOf(address, '01'), 150n * INF]))
  }

  /** From somebody who has a deposit. */
  async #voucherFor(provider: Address): Promise<ClaimEntry> {
    const payer = privateKeyToAccount(generatePrivateKey())
    await this.#fund(payer.address)
    await this.#deposit(payer.address)
    return this.#sign(payer, provider, 2n * INF)
  }

  async #sign(payer: PrivateKeyAccount, provider: Address, cumulative: bigint): Promise<ClaimEntry> {
    const voucher = {
      ...{ payer: payer.address, provider, model: MODEL, relay: NO_RELAY, epoch: 0, cumulative },
    }
    const signature = await payer.signTypedData({
      domain: {
        ...{ name: 'Infernet Escrow', version: '1', chainId: this.#chain.network.chainId },
        verifyingContract: this.#escrow,
      },
      types: {
        Voucher: [
          { name: 'payer', type: 'address' },
          { name: 'provider', type: 'address' },
          { name: 'model', type: 'bytes32' },
          { name: 'relay', type: 'address' },
          { name: 'epoch', type: 'uint32' },
          { name: 'cumulative', type: 'uint96' },
        ],
      },
      primaryType: 'Voucher',
      message: voucher,
    })
    return { voucher, signer: payer.address, signature }
  }

  async #as(from: Address, to: Address, data: Hex): Promise<void> {
    const { control } = this.#chain
    const params = [{ from, to, data, gas: numberToHex(1_000_000) }]
    const hash: Hex = await control.request({ method: 'eth_sendTransaction', params } as never)
    const { status } = await control.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`what ${to} was asked for was reverted`)
  }
}
