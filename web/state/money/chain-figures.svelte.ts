import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { EscrowOnChain, Snapshot, StakeOnChain } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import type { MoneyServices, WalletServices } from './money-services.ts'
import { signedSums, type SignedSum } from './signed-lines.ts'

/** How often the chain is read: while an eye or an act waits for it, and otherwise. */
const READ_EVERY_MS = 4 * SECOND_MS
const READ_EVERY_HIDDEN_MS = MINUTE_MS
/** Other nodes are asked whether they see the same this often. */
const CONFIRM_EVERY_MS = 30 * SECOND_MS
/** Older than this, what was read is "unconfirmed". */
const STALE_MS = 45 * SECOND_MS
const RETRY_MS = 5 * SECOND_MS
/** After a transaction of ours the chain is read so often, so far apart, until it shows. */
const MAX_CATCH_UPS = 12
const CATCH_UP_MS = 400

/** Whose figures are read, and of which chain. */
interface FiguresOf {
  readonly money: MoneyServices | undefined
  readonly signer: Signer | undefined
  /** False while the wallet opens: then nothing is read by itself. */
  readonly isReady: boolean
}

interface FiguresComponents extends Pick<WalletServices, 'clock' | 'conditions'> {
  /** Aborts when the page closes. */
  readonly signal: AbortSignal
  readonly of: () => FiguresOf
  /** Called with each snapshot, and whose it is. */
  readonly onRead: (snapshot: Snapshot, signer: Signer) => void
}

/** What the chain says of the wallet, how old that is, and whether nodes agree. */
export class ChainFigures {
  readonly #components: FiguresComponents
  #snapshot = $state.raw<Snapshot | undefined>()
  #readAt = $state<number | undefined>()
  #readError = $state.raw<InfernetError | undefined>()
  #agrees = $state<boolean | undefined>()
  #sums = $state.raw<readonly SignedSum[]>([])
  #now = $state(0)
  #reading: Promise<void> | undefined
  #readDue = 0
  #confirmDue = 0
  #tick: { stop(): void } | undefined
  /** Which of the network's assets is looked at. */
  asset = $state(0)

  constructor(components: FiguresComponents) {
    this.#components = components
    this.#now = components.clock.now()
  }

  /** What the chain said last; it stays when the chain falls silent. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot
  }
  get readAt(): number | undefined {
    return this.#readAt
  }
  get readError(): InfernetError | undefined {
    return this.#readError
  }
  get now(): number {
    return this.#now
  }
  /** True while what is shown may be wrong: it is old, or nodes tell different things. */
  get isUnconfirmed(): boolean {
    return this.#readAt !== undefined && (this.#now - this.#readAt > STALE_MS || this.#agrees === false)
  }
  /** True when the nodes of the network tell different things of the same block. */
  get isDisputed(): boolean {
    return this.#agrees === false
  }
  /** True when the chain has said that there is nothing. */
  get isEmpty(): boolean {
    if (!this.#snapshot) return false
    const { escrows, stake } = this.#snapshot
    return (
      escrows.every((each) => each.balance + each.deposit + each.bond === 0n) &&
      stake.stake + stake.unbonding === 0n
    )
  }

  get escrow(): EscrowOnChain | undefined {
    return this.#snapshot?.escrows[this.asset]
  }
  /** What answers are paid from, whichever asset is looked at; a deposit of another could only be taken back. */
  get paying(): EscrowOnChain | undefined {
    const { money } = this.#components.of()
    const main = money && payingEscrow(money.network)
    return this.#snapshot?.escrows.find(({ escrow }) => escrow === main?.escrow)
  }
  get stake(): StakeOnChain | undefined {
    return this.#snapshot?.stake
  }
  /** Signed in this tab and not yet claimed, in the present epoch of the chosen asset. */
  get signed(): bigint {
    return this.#sums[this.asset]?.signed ?? 0n
  }
  /** Claimed of what this tab signed in the present epoch. */
  get claimed(): bigint {
    return this.#sums[this.asset]?.claimed ?? 0n
  }
  /** What can still be spent: the bond answers for the rest and is not spent. */
  get free(): bigint {
    return this.freeIn(this.escrow)
  }
  freeIn(escrow: EscrowOnChain | undefined): bigint {
    const at = escrow ? (this.#snapshot?.escrows.indexOf(escrow) ?? -1) : -1
    const free = (escrow?.deposit ?? 0n) - (this.#sums[at]?.signed ?? 0n)
    return free > 0n ? free : 0n
  }

  /** Reads again and again from now on. */
  start(): void {
    const { clock, of } = this.#components
    this.#now = clock.now()
    if (of().isReady && this.#now >= this.#readDue && !this.#reading) void this.refresh()
    this.#tick = clock.schedule(millis(SECOND_MS), () => this.start())
  }

  stop(): void {
    this.#tick?.stop()
  }

  /** Reads the chain now; a failure keeps what was read before. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** Reads now, and asks the other nodes at once too. */
  reconfirm(): Promise<void> {
    this.#confirmDue = 0
    return this.refresh()
  }

  /** Reads until a node knows what has just happened: one behind a cache may be a moment behind. */
  async readUntil(knows: (snapshot: Snapshot) => boolean): Promise<void> {
    const { clock, signal } = this.#components
    for (let i = 0; i < MAX_CATCH_UPS; i++) {
      await this.#reading
      await this.refresh()
      if (this.#snapshot && knows(this.#snapshot)) return
      await sleep(clock, millis(CATCH_UP_MS), { signal })
    }
  }

  /** Another wallet's figures are never shown as this one's. */
  forget(): void {
    this.#snapshot = undefined
    this.#readAt = undefined
    this.#agrees = undefined
    this.#sums = []
  }

  async #read(): Promise<void> {
    const { clock, conditions, signal, of, onRead } = this.#components
    const { money, signer } = of()
    if (!money || !signer) return
    const { address } = signer
    void signer.look?.({ signal }).catch(() => undefined) // it says so when it is needed
    this.#readDue = clock.now() + (conditions.hidden ? READ_EVERY_HIDDEN_MS : READ_EVERY_MS)
    try {
      const snapshot = await money.read({ address, sessionKeys: await sessionKeysOf(money, signer) })
      const sums = await signedSums(money, snapshot)
      if (signer !== of().signer || address !== signer.address) return
      this.#sums = sums
      this.#snapshot = snapshot
      this.#readAt = clock.now()
      this.#now = clock.now()
      this.#readError = undefined
      if (clock.now() >= this.#confirmDue) void this.#confirm(money, snapshot)
      onRead(snapshot, signer)
    } catch (thrown) {
      this.#readError = InfernetError.from(thrown, 'wallet.unreachable')
      this.#readDue = clock.now() + RETRY_MS
    }
  }

  async #confirm(money: MoneyServices, snapshot: Snapshot): Promise<void> {
    this.#confirmDue = this.#components.clock.now() + CONFIRM_EVERY_MS
    const agrees = await money.confirm(snapshot).catch(() => undefined)
    // What was asked for another wallet says nothing of this one.
    if (snapshot.address === this.#snapshot?.address) this.#agrees = agrees
  }
}

/** The keys that this browser signs with for that payer, one for each escrow; undefined where there is none. */
function sessionKeysOf({ network, vault }: MoneyServices, { address }: Signer) {
  const { chainId, escrows } = network
  return Promise.all(
    escrows.map(({ escrow }) =>
      vault.sessionAddress({ chainId, escrow, payer: address }).catch(() => undefined),
    ),
  )
}
