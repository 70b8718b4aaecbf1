import type { ChainAddress } from '../base/ids.ts'
import { baseUnits, epochMillis, type BaseUnits, type EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ChainAccount, ChainOperator, ChainSession, ChainView } from '../settle/chain-view.ts'
import type { PaymentLine, SignedVoucher } from '../settle/voucher.ts'

/** An escrow that counts as the contract does: claims move what a voucher adds, within balance and session. */
export class FakeChain implements ChainView {
  readonly #accounts = new Map<ChainAddress, ChainAccount>()
  readonly #sessions = new Map<string, ChainSession>()
  readonly #claimed = new Map<string, bigint>()
  /** What providers were paid. */
  readonly earned = new Map<ChainAddress, bigint>()
  /** Answers nobody while true. */
  isDown = false
  reads = 0

  deposit(payer: ChainAddress, amount: bigint): void {
    const { balance, bond, epoch } = this.#accountOf(payer)
    this.#accounts.set(payer, { balance: baseUnits(balance + amount), bond, epoch, withdrawAt: undefined })
  }

  authorize(payer: ChainAddress, key: ChainAddress, cap: bigint, expiry: number): void {
    const spent = this.#sessions.get(`${payer} ${key}`)?.spent ?? baseUnits(0n)
    this.#sessions.set(`${payer} ${key}`, { cap: baseUnits(cap), spent, expiry: epochMillis(expiry) })
  }

  requestWithdrawal(payer: ChainAddress, withdrawAt: EpochMillis): void {
    this.#accounts.set(payer, { ...this.#accountOf(payer), withdrawAt })
  }

  withdraw(payer: ChainAddress): void {
    const { epoch, bond } = this.#accountOf(payer)
    this.#accounts.set(payer, { balance: baseUnits(0n), bond, epoch: epoch + 1, withdrawAt: undefined })
  }

  /** Pays what a voucher adds, as far as the deposit goes. */
  claim({ voucher, signer }: SignedVoucher): bigint {
    const { payer, provider, cumulative, epoch } = voucher
    const account = this.#accountOf(payer)
    if (account.epoch !== epoch) throw new Error('WrongEpoch')
    const before = this.#claimed.get(nameOf(voucher)) ?? 0n
    if (cumulative <= before) throw new Error('StaleVoucher')
    const due = cumulative - before
    const paid = due < account.balance ? due : account.balance
    this.#claimed.set(nameOf(voucher), cumulative)
    this.#accounts.set(payer, { ...account, balance: baseUnits(account.balance - paid) })
    const session = this.#sessions.get(`${payer} ${signer}`)
    if (session)
      this.#sessions.set(`${payer} ${signer}`, { ...session, spent: baseUnits(session.spent + paid) })
    this.earned.set(provider, (this.earned.get(provider) ?? 0n) + paid)
    return paid
  }

  async account(payer: ChainAddress): Promise<ChainAccount> {
    this.#answer()
    return this.#accountOf(payer)
  }

  async session(payer: ChainAddress, key: ChainAddress): Promise<ChainSession> {
    this.#answer()
    const none = { cap: baseUnits(0n), spent: baseUnits(0n), expiry: epochMillis(0) }
    return this.#sessions.get(`${payer} ${key}`) ?? none
  }

  async claimed(line: PaymentLine): Promise<BaseUnits> {
    this.#answer()
    return baseUnits(this.#claimed.get(nameOf(line)) ?? 0n)
  }

  async operator(): Promise<ChainOperator> {
    this.#answer()
    return { isActive: false, peerKey: undefined }
  }

  #accountOf(payer: ChainAddress): ChainAccount {
    const none = { balance: baseUnits(0n), bond: baseUnits(0n), epoch: 0, withdrawAt: undefined }
    return this.#accounts.get(payer) ?? none
  }

  #answer(): void {
    this.reads++
    if (this.isDown) throw new InfernetError('payment.chain-unreachable')
  }
}

function nameOf({ payer, provider, model, epoch }: PaymentLine): string {
  return `${payer} ${provider} ${model} ${epoch}`
}
