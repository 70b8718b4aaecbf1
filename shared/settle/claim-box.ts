import type { ChainAddress, PeerName } from '../base/ids.ts'
import type { EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { verifiesBinding } from './binding.ts'
import type { ChainView } from './chain-view.ts'
import type { LeaveRequest } from './claim-messages.ts'
import { MAX_BOX_LINES, MAX_BOX_LINES_PER_OPERATOR, MAX_LEFT_VOUCHERS } from './constants.ts'
import type { LedgerStore } from './ledger-store.ts'
import { PayeeLedger, unclaimedIn, type HeldVoucher } from './payee-ledger.ts'
import { stored } from './stored.ts'
import { isSignedBy, type SignedVoucher } from './voucher.ts'

export interface ClaimBoxComponents {
  /** For the box alone. */
  readonly store: LedgerStore
  /** Escrows that are carried to, each with its view of the chain. */
  readonly views: ReadonlyMap<ChainAddress, ChainView>
  /** Whether a line may go where a full box needs its room. @default what was claimed in full */
  readonly isSpare?: (boxed: BoxedLedger, held: HeldVoucher) => boolean
  /** What a deposit must hold for each line over it, in base units: less is never carried. @default 1 */
  readonly leastBehind?: (escrow: ChainAddress) => bigint
}

export interface ClaimBoxInit {
  readonly chainId: number
  readonly stake: ChainAddress
  /** @default MAX_BOX_LINES */
  readonly maxLines?: number
}

/** Whether what is spare was looked for already. */
interface RoomSearch {
  isOver: boolean
}

/** Enough for all that a peer leaves at once, and for the next ones. */
const SPARE_AT_ONCE = 2 * MAX_LEFT_VOUCHERS

/** Vouchers of one payee in one escrow. */
export interface BoxedLedger {
  readonly escrow: ChainAddress
  readonly operator: ChainAddress
  readonly ledger: PayeeLedger
}

/**
 * Vouchers that providers have left at a relay, for the day on which they are not there to claim.
 *
 * The relay holds nobody's money: a voucher pays its payee, whoever carries it. What is kept is bounded, signed by a key
 * that the chain knows, over a deposit that holds enough for each of its lines to be worth carrying: filling the box
 * takes deposits, not identities.
 */
export class ClaimBox {
  readonly #components: ClaimBoxComponents
  readonly #init: ClaimBoxInit
  readonly #ledgers = new Map<string, BoxedLedger>()
  /** Those of providers in this very process. */
  readonly #own = new Set<string>()
  readonly #turns = new Map<string, Promise<void>>()

  private constructor(components: ClaimBoxComponents, init: ClaimBoxInit) {
    this.#components = components
    this.#init = init
  }

  /** Reads what is on record. @throws InfernetError `payment.no-record` when the store cannot be read. */
  static async load(components: ClaimBoxComponents, init: ClaimBoxInit): Promise<ClaimBox> {
    const box = new ClaimBox(components, init)
    for (const [key] of await stored(() => components.store.list('payee/'))) {
      const [, chainId, escrow, operator] = key.split('/')
      if (Number(chainId) !== init.chainId || !components.views.has(escrow as ChainAddress)) continue
      await box.#ledgerOf(escrow as ChainAddress, operator as ChainAddress)
    }
    return box
  }

  /** Everything that is held, by payee. */
  get ledgers(): readonly BoxedLedger[] {
    return [...this.#ledgers.values()].filter(({ ledger }) => ledger.vouchers.length > 0)
  }

  /** Lines held, of all payees. */
  get size(): number {
    let lines = 0
    for (const { ledger } of this.#ledgers.values()) lines += ledger.vouchers.length
    return lines
  }

  /**
   * The vouchers of a provider that runs in this process: what its till keeps is in the box at once, and nobody else
   * leaves any for it. Its lines take no room from others.
   *
   * @throws InfernetError `payment.wrong-chain` for an escrow that is not carried to, `payment.no-record`
   */
  async own(escrow: ChainAddress, operator: ChainAddress): Promise<PayeeLedger> {
    if (!this.#components.views.has(escrow)) throw new InfernetError('payment.wrong-chain')
    this.#own.add(keyOf(escrow, operator))
    return (await this.#ledgerOf(escrow, operator)).ledger
  }

  /** Whether they are of a provider in this process. */
  isOwn({ escrow, operator }: Pick<BoxedLedger, 'escrow' | 'operator'>): boolean {
    return this.#own.has(keyOf(escrow, operator))
  }

  /**
   * Keeps what a peer leaves of its own; a higher voucher of a line takes the place of the lower one.
   *
   * @param peer who is at the other end of the connection
   * @returns why a voucher was not kept, by its place
   * @throws InfernetError `payment.wrong-chain` for an escrow that is not carried to, `payment.wrong-payee` when the
   * peer's key did not bind it to the operator, or the operator's till is in this process: it alone knows which relay
   * its vouchers must name.
   */
  async leave(peer: PeerName, request: LeaveRequest): Promise<ReadonlyMap<number, InfernetError>> {
    const { escrow, operator, binding, vouchers } = request
    const { chainId, stake } = this.#init
    const view = this.#components.views.get(escrow)
    if (!view) throw new InfernetError('payment.wrong-chain')
    if (!(await verifiesBinding(binding, { chainId, stake, operator }, peer)))
      throw new InfernetError('payment.wrong-payee', { field: 'binding' })
    if (this.isOwn(request)) throw new InfernetError('payment.wrong-payee', { field: 'operator' })
    return this.#inTurn(keyOf(escrow, operator), async () => {
      const boxed = await this.#ledgerOf(escrow, operator)
      const refused = new Map<number, InfernetError>()
      const search = { isOver: false }
      for (const [index, { signer, signature, ...rest }] of vouchers.entries()) {
        const signed = { voucher: { ...rest, provider: operator }, signer, signature }
        try {
          await this.#keep(boxed, signed, { view, search })
        } catch (thrown) {
          refused.set(index, InfernetError.from(thrown, 'payment.bad-voucher'))
        }
      }
      return refused
    })
  }

  /** Drops a voucher that can never be claimed, unless a higher one has come meanwhile. */
  async drop({ escrow, operator, ledger }: BoxedLedger, { voucher }: HeldVoucher): Promise<void> {
    await this.#inTurn(keyOf(escrow, operator), () => ledger.forget(voucher, voucher.cumulative))
  }

  async #keep(
    { escrow, ledger }: BoxedLedger,
    signed: SignedVoucher,
    { view, search }: { view: ChainView; search: RoomSearch },
  ): Promise<void> {
    const held = ledger.held(signed.voucher)
    if (held && held.voucher.cumulative >= signed.voucher.cumulative) return
    if (!(await isSignedBy({ chainId: this.#init.chainId, escrow }, signed)))
      throw new InfernetError('payment.bad-voucher', { reason: 'signature' })
    if (!held) await this.#makeRoom(ledger, search)
    // A further voucher by the same key was checked with the first one: the chain is asked again before it is carried.
    if (held?.signer === signed.signer) return ledger.keep(signed, held)
    const known = await checkOnChain(view, signed)
    if (!held) this.#expectDeposit(escrow, signed, known.deposit)
    await ledger.keep(signed, known)
  }

  /** A deposit stands behind so many lines as it could make worth carrying, to whomever they are. */
  #expectDeposit(escrow: ChainAddress, { voucher }: SignedVoucher, deposit: bigint): void {
    const { leastBehind = () => 1n } = this.#components
    const { payer, epoch } = voucher
    let lines = 1n
    for (const boxed of this.#ledgers.values())
      if (boxed.escrow === escrow) lines += BigInt(boxed.ledger.openLinesOf(payer, epoch))
    const needed = lines * leastBehind(escrow)
    if (deposit < needed)
      throw new InfernetError('payment.no-deposit', { needed: String(needed), free: String(deposit) })
  }

  /** What is spare goes, whosever it is: a box must not stay full of what nobody will ever be paid for. */
  async #makeRoom(ledger: PayeeLedger, search: RoomSearch): Promise<void> {
    const { maxLines = MAX_BOX_LINES } = this.#init
    const isFull = (): boolean =>
      ledger.vouchers.length >= MAX_BOX_LINES_PER_OPERATOR || this.#othersSize >= maxLines
    if (isFull() && !search.isOver) {
      search.isOver = true // all lines are looked at, so once for all that a peer leaves
      await this.#dropSpare(ledger.vouchers.length >= MAX_BOX_LINES_PER_OPERATOR ? ledger : undefined)
    }
    if (isFull()) throw new InfernetError('payment.box-full')
  }

  async #dropSpare(only: PayeeLedger | undefined): Promise<void> {
    const { isSpare = (_, held) => unclaimedIn(held) === 0n } = this.#components
    const spare = [...this.#ledgers.values()]
      .filter((boxed) => !this.isOwn(boxed) && (only === undefined || boxed.ledger === only))
      .flatMap((boxed) =>
        boxed.ledger.vouchers.filter((held) => isSpare(boxed, held)).map((held) => ({ boxed, held })),
      )
    // Not in its payee's turn, which may wait for ours: a higher voucher that comes meanwhile is kept all the same.
    for (const { boxed, held } of spare.slice(0, SPARE_AT_ONCE))
      await boxed.ledger.forget(held.voucher, held.voucher.cumulative)
  }

  get #othersSize(): number {
    let lines = 0
    for (const boxed of this.#ledgers.values()) if (!this.isOwn(boxed)) lines += boxed.ledger.vouchers.length
    return lines
  }

  async #ledgerOf(escrow: ChainAddress, operator: ChainAddress): Promise<BoxedLedger> {
    const key = keyOf(escrow, operator)
    const known = this.#ledgers.get(key)
    if (known) return known
    this.#forgetEmpty()
    const { store } = this.#components
    const ledger = await PayeeLedger.load(store, { chainId: this.#init.chainId, escrow }, operator)
    const boxed = { escrow, operator, ledger }
    this.#ledgers.set(key, boxed)
    return boxed
  }

  /** A payee of whom nothing was kept leaves nothing behind. */
  #forgetEmpty(): void {
    for (const [key, { ledger }] of this.#ledgers)
      if (ledger.vouchers.length === 0 && !this.#turns.has(key) && !this.#own.has(key))
        this.#ledgers.delete(key)
  }

  /** What is done to one payee's vouchers is done one after the other. */
  async #inTurn<T>(key: string, step: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve()
    const done = before.then(step)
    const turn = done.then(
      () => undefined,
      () => undefined,
    )
    this.#turns.set(key, turn)
    try {
      return await done
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }
}

function keyOf(escrow: ChainAddress, operator: ChainAddress): string {
  return `${escrow}/${operator}`
}

/**
 * What the chain says of a voucher that is new here.
 *
 * @throws InfernetError `payment.wrong-epoch`, `payment.no-deposit`, `payment.no-session`, `payment.stale`, or
 * `payment.chain-unreachable`: then it is not kept, and left again later.
 */
async function checkOnChain(
  view: ChainView,
  { voucher, signer }: SignedVoucher,
): Promise<Pick<HeldVoucher, 'sessionExpiry' | 'claimed'> & { readonly deposit: bigint }> {
  const { payer, epoch, cumulative } = voucher
  const account = await view.account(payer)
  if (account.epoch !== epoch) throw new InfernetError('payment.wrong-epoch')
  const deposit = account.balance + account.bond
  if (deposit === 0n) throw new InfernetError('payment.no-deposit')
  let sessionExpiry: EpochMillis | undefined
  if (signer !== payer) {
    const session = await view.session(payer, signer)
    if (session.cap === 0n) throw new InfernetError('payment.no-session')
    sessionExpiry = session.expiry
  }
  const claimed = await view.claimed(voucher)
  if (claimed >= cumulative) throw new InfernetError('payment.stale')
  return { sessionExpiry, claimed, deposit }
}
