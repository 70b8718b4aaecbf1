import type { Address } from 'viem'
import { baseUnits } from '#shared/base/units.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { PayerLine } from '#shared/settle/payer-ledger.ts'
import type { SignedReceipt } from '#shared/settle/receipt.ts'
import type { Voucher } from '#shared/settle/voucher.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Payee, Segment } from '#shared/peer/peer.ts'
import type { Payer } from '#shared/peer/payer.ts'
import { CHUNK_TOKENS } from '#shared/stream/constants.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import { VoucherBackup } from '../../wallet/voucher-backup.ts'
import type { ClaimDesk } from './claim-desk.svelte.ts'
import type { MoneyEntry, PaymentEntry } from './money-entries.ts'
import type { WalletServices } from './money-services.ts'
import { signedLines } from './signed-lines.ts'
import type { ActIntent } from './wallet-act.svelte.ts'
import type { Wallet } from './wallet.svelte.ts'

const INF = 10n ** 18n
/** The most one answer may come to, whatever a provider asks: some thirty times the longest answer at list price. */
const MAX_ANSWER_COST = baseUnits(INF / 100n)
/** Deposited without asking where money is worth nothing, so that the first question is answered at once. */
export const TEST_DEPOSIT = 20n * INF
/** Receipts of the answer under way are few: one for each provider that wrote. */
const MAX_RECEIPTS = 64

/** What is done with money before a question can go out. */
export type PaymentStep = 'opening' | 'faucet' | 'deposit' | 'session'

/** A question whose answer was paid for, as the journal names it. */
export interface PaidTurn {
  readonly id: string
  readonly model: ModelHash
  readonly modelName: string
}

/** Stands between the wallet and the mesh: lets answers be paid and this tab earn, and keeps the records of both. */
export class PaymentDesk {
  readonly #services: WalletServices
  readonly #wallet: Wallet
  readonly #claims: Pick<ClaimDesk, 'open' | 'soon' | 'close'>
  #step = $state<PaymentStep | undefined>()
  #receipts: readonly SignedReceipt[] = []
  #readied: Promise<Payer | undefined> | undefined
  #backup: VoucherBackup | undefined
  /** Whose deposit answers are paid from: the wallet may stand on another account when they end. */
  #payer: Address | undefined

  constructor(services: WalletServices, wallet: Wallet, claims: Pick<ClaimDesk, 'open' | 'soon' | 'close'>) {
    this.#services = services
    this.#wallet = wallet
    this.#claims = claims
  }

  /** What a question waits for; undefined when it waits for nothing of ours. */
  get step(): PaymentStep | undefined {
    return this.#step
  }

  /**
   * Gives who pays from the wallet's deposit; without a wallet, or a chain, nobody, and only those that work for
   * nothing are asked. On a test chain the tab's own wallet gets test money, a
   * deposit and a session by itself; where money is real nothing moves that the visitor did not order, and what is
   * missing is named by the answer's failure.
   *
   * @throws InfernetError `wallet.*` or the signal's reason
   */
  async beforeAsking({ signal }: { signal: AbortSignal }): Promise<Payer | undefined> {
    // Two questions of one moment make one deposit; who stops the first finds it made with the next.
    this.#readied ??= this.#makeReady().finally(() => {
      this.#readied = undefined
      this.#step = undefined
    })
    return raceSignal(this.#readied, signal)
  }

  /**
   * Gives how this tab is paid at the wallet's address; without a wallet, or a chain, it provides for nothing. Each
   * voucher is left with the relays as well, which claim it should this tab never come back.
   */
  async beforeProviding(mesh: Mesh, { signal }: { signal: AbortSignal }): Promise<Payee | undefined> {
    await raceSignal(this.#wallet.opened, signal)
    await this.afterProviding()
    const { services, signer } = this.#wallet
    if (!services || !signer) return undefined
    const { address } = signer
    const till = await services.payments.payee(address, {
      bind: (terms) => mesh.bind(terms),
      hasKey: signer.kind === 'tab' && !signer.asks, // nobody types a passphrase for each answer's receipt
      onReceipt: (receipt) => {
        void this.#backup?.keep()
        this.#claims.soon()
        void this.#keepEarned(address, receipt, till.vouchers())
      },
    })
    const backup = new VoucherBackup({
      clock: this.#services.clock,
      vouchers: till.vouchers,
      leave: (vouchers) => mesh.leaveClaims(till.payment, vouchers),
    })
    backup.start()
    this.#backup = backup
    this.#claims.open()
    return till
  }

  /** Leaves the last vouchers with the relays; what is worth it then, the tab claims itself. */
  async afterProviding(): Promise<void> {
    const backup = this.#backup
    this.#backup = undefined
    if (!backup) return
    await backup.stop()
    void this.#claims.close() // blocks take their time, and nobody waits for them
  }

  /** Puts what an answer cost on record, one entry for each provider that was paid; the first `known` stand there already. */
  async keepPaid(turn: PaidTurn, segments: readonly Segment[], known = 0): Promise<void> {
    const payer = this.#payer ?? this.#wallet.address
    const base = this.#entryBase(payer)
    const paid = segments.filter((segment) => segment.paid > 0n)
    if (!base || paid.length === 0) return
    const { services, paying, address } = this.#wallet
    const lines =
      services && paying && address && payer === address ? await signedLines(services, address, paying) : []
    for (const [i, segment] of segments.entries()) {
      if (i < known || segment.paid === 0n) continue
      const line = lines.find(({ provider, model }) => provider === segment.operator && model === turn.model)
      const isAgreed = this.#receipts.some(
        ({ receipt, providerSignature }) =>
          providerSignature && receipt.due === segment.due && receipt.outputTokens === segment.signedTokens,
      )
      await this.#wallet.record({
        ...base,
        ...{ id: `${turn.id}/${i}`, kind: 'paid', peer: segment.provider, modelName: turn.modelName },
        ...{ tokens: blocksOf(segment.signedTokens), due: segment.due, paid: segment.paid },
        ...{ receipt: isAgreed ? 'both' : 'one', isClaimed: false },
        line: line && lineOf(line),
      })
    }
  }

  /** Puts on record what a stranger was paid for reading an answer again. */
  async keepCheck(
    turn: PaidTurn,
    check: { readonly jobId: string; readonly verifier: string; readonly cost: bigint },
  ): Promise<void> {
    const base = this.#entryBase(this.#payer ?? this.#wallet.address)
    const { jobId, verifier, cost } = check
    if (!base || cost === 0n) return
    await this.#wallet.record({
      ...base,
      ...{ id: `${turn.id}/check/${jobId}/${verifier}`, kind: 'paid', isCheck: true, peer: verifier },
      ...{ modelName: turn.modelName, tokens: [], due: cost, paid: cost, receipt: 'one', isClaimed: false },
    })
  }

  async #makeReady(): Promise<Payer | undefined> {
    if (this.#wallet.stage === 'loading') this.#step = 'opening'
    await this.#wallet.opened
    const { services, signer } = this.#wallet
    if (!services || !signer) return undefined
    if (services.network.isTest && signer.kind === 'tab' && !signer.asks) await this.#fillTestWallet()
    this.#payer = signer.address
    return services.payments.payer(signer.address, {
      maxJobCost: MAX_ANSWER_COST,
      onReceipt: (receipt) => (this.#receipts = [...this.#receipts, receipt].slice(-MAX_RECEIPTS)),
    })
  }

  /** A chain that does not answer leaves everything as it is: the payment itself says so, or a free provider answers. */
  async #fillTestWallet(): Promise<void> {
    const wallet = this.#wallet
    await this.#afterWhatIsOpen()
    if (!wallet.paying) await wallet.refresh()
    const { paying: escrow, snapshot } = wallet // whatever the visitor looks at on the Wallet page
    if (!escrow || !snapshot || escrow.withdrawAt > 0) return
    const hasSession = escrow.session !== undefined && escrow.session.expiry > snapshot.block.timestamp
    const free = wallet.freeIn(escrow)
    if (free > 0n && hasSession) return
    if (free > 0n) {
      this.#step = 'session'
      return this.#do(await (await import('./wallet-intents.ts')).sessionIntent(wallet, escrow))
    }
    if (escrow.balance < TEST_DEPOSIT) await this.#askFaucet()
    const now = wallet.paying ?? escrow
    const amount = now.balance < TEST_DEPOSIT ? now.balance : TEST_DEPOSIT
    this.#step = 'deposit'
    const { depositInit, depositIntent } = await import('./wallet-intents.ts')
    await this.#do(depositIntent(wallet, await depositInit(wallet, amount, true, now)))
  }

  /** @throws InfernetError `faucet.*`, `wallet.*` when it gives nothing and there is nothing */
  async #askFaucet(): Promise<void> {
    const wallet = this.#wallet
    this.#step = 'faucet'
    if (await wallet.askFaucet()) return
    if ((wallet.paying?.balance ?? 0n) > 0n) return wallet.signing.dismissError()
    if (!wallet.services?.faucet) throw new InfernetError('faucet.none')
    throw wallet.signing.error ?? new InfernetError('wallet.faucet-refused')
  }

  /**
   * A deposit of before that the chain has not decided would be made a second time beside it.
   *
   * @throws InfernetError `wallet.unknown` while it is in doubt
   */
  async #afterWhatIsOpen(): Promise<void> {
    const { act } = this.#wallet
    if (act.isBusy) {
      await act.decided()
      await this.#wallet.refresh()
    } else if (this.#wallet.undecided().some(({ what }) => what === 'deposit'))
      throw new InfernetError('wallet.unknown')
  }

  /** @throws InfernetError `wallet.*`; `wallet.unknown` when the act goes on, and nobody knows how it will end */
  async #do(intent: ActIntent): Promise<void> {
    const { act } = this.#wallet
    void this.#wallet.do(intent)
    if (!(await act.decided())) throw act.error ?? new InfernetError('wallet.failed')
    act.leave() // nobody pressed anything: there is nothing to tell
  }

  async #keepEarned(
    provider: Address,
    { receipt, providerSignature }: SignedReceipt,
    held: readonly HeldVoucher[],
  ): Promise<void> {
    const [voucher] = held
      .map((each) => each.voucher)
      .filter(({ payer, model }) => payer === receipt.payer && model === receipt.model)
      .toSorted((a, b) => b.epoch - a.epoch)
    const base = this.#entryBase(provider)
    if (!base) return
    const list = await this.#services.models().catch(() => undefined)
    const modelName =
      list?.choices.find(({ model }) => model === receipt.model)?.name ?? receipt.model.slice(0, 8)
    await this.#wallet.record({
      ...base,
      ...{ id: receipt.jobId, kind: 'earned', peer: receipt.payer, modelName },
      ...{ tokens: blocksOf(receipt.outputTokens), due: receipt.due, paid: receipt.paid },
      ...{ receipt: providerSignature ? 'both' : 'one', isClaimed: false },
      line: voucher && lineOf(voucher),
    })
  }

  #entryBase(
    address: Address | undefined,
  ): Pick<MoneyEntry, 'at' | 'chainId' | 'wallet' | 'symbol' | 'decimals'> | undefined {
    const { network } = this.#wallet
    if (!network || !address) return undefined
    const { symbol, decimals } = payingEscrow(network)
    return {
      ...{ at: this.#services.clock.now(), chainId: network.chainId, wallet: address.toLowerCase() },
      ...{ symbol, decimals },
    }
  }
}

function lineOf({ payer, provider, model, epoch, cumulative }: Voucher | PayerLine): PaymentEntry['line'] {
  return { payer, provider, model, epoch, upTo: cumulative }
}

/** Tokens as the tape draws them: full blocks, then the rest. */
function blocksOf(tokens: number): readonly number[] {
  const full = Array.from({ length: Math.floor(tokens / CHUNK_TOKENS) }, () => CHUNK_TOKENS)
  return tokens % CHUNK_TOKENS > 0 ? [...full, tokens % CHUNK_TOKENS] : full
}
