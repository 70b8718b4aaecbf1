import type { Address, Hash } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { EscrowOnChain, Snapshot, StakeOnChain } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import { smallAmount } from '../../wallet/small-amount.ts'
import { ChainFigures } from './chain-figures.svelte.ts'
import { faucetEntry, gotFromFaucet } from './faucet-gift.ts'
import type { MoneyEntry, MovedEntry } from './money-entries.ts'
import { MoneyJournal } from './money-journal.svelte.ts'
import type { MoneyServices } from './money-services.ts'
import type { WalletServices } from './money-services.ts'
import { SignerChoice } from './signer-choice.svelte.ts'
import { UnlockDesk } from './unlock-desk.svelte.ts'
import { WalletAct, type ActIntent } from './wallet-act.svelte.ts'

export type WalletStage = 'loading' | 'no-chain' | 'failed' | 'ready'

/** The visitor's money: who signs, what the chain says of it, and what was done. */
export class Wallet {
  readonly #services: WalletServices
  readonly act: WalletAct
  /** Who signs, and how another one is taken. */
  readonly signing: SignerChoice
  /** Asks for what opens a locked wallet of the tab. */
  readonly unlocking = new UnlockDesk()
  readonly #figures: ChainFigures
  readonly #journal = new MoneyJournal()
  readonly #acts: WalletAct[] = []
  #money = $state.raw<MoneyServices | undefined>()
  #stage = $state<WalletStage>('loading')
  #error = $state.raw<InfernetError | undefined>()
  #askingFaucet = $state(false)
  #opening: Promise<void> | undefined
  readonly #life = new AbortController()

  constructor(services: WalletServices) {
    this.#services = services
    const { clock, conditions, settings } = services
    const { signal } = this.#life
    this.signing = new SignerChoice({
      ...{ settings, signal },
      onTaken: (signer) => this.#begin(signer),
      onMoved: (signer) => this.#follow(signer),
      onRightChain: (signer) => this.#ease(signer),
    })
    this.#figures = new ChainFigures({
      ...{ clock, conditions, signal },
      of: () => ({ money: this.#money, signer: this.signer, isReady: this.#stage === 'ready' }),
      onRead: (snapshot, signer) => this.#recheck(snapshot, signer),
    })
    this.act = this.newAct()
  }

  /** Whatever is done with this wallet and is not {@link act}: a thing under way of its own, in the same journal. */
  newAct(): WalletAct {
    const services = this.#services
    // The services come later than the page: the act asks for them when it is begun.
    const money = (): MoneyServices => this.#need()
    const act = new WalletAct({
      get services() {
        return money()
      },
      now: () => services.clock.now(),
      newId: () => services.newId(),
      onMined: (block) => this.#figures.readUntil(({ block: { number } }) => number >= block),
      keeper: this.#journal,
    })
    this.#acts.push(act)
    return act
  }

  undecided(address: string | undefined = this.signer?.address): readonly MovedEntry[] {
    return address ? this.#journal.undecided(address) : []
  }

  get stage(): WalletStage {
    return this.#stage
  }
  /** Why there is no wallet; only while `failed`. */
  get error(): InfernetError | undefined {
    return this.#error
  }
  get network(): NetworkFile | undefined {
    return this.#money?.network
  }
  get services(): MoneyServices | undefined {
    return this.#money
  }
  get signer(): Signer | undefined {
    return this.signing.signer
  }
  get address(): Address | undefined {
    return this.snapshot?.address ?? this.signing.address
  }
  get isAskingFaucet(): boolean {
    return this.#askingFaucet
  }
  get entries(): readonly MoneyEntry[] {
    return this.#journal.entries
  }
  /** True for a wallet that never had anything. */
  get isNew(): boolean {
    return this.#figures.isEmpty && this.entries.length === 0
  }

  /** What the chain said last; it stays when the chain falls silent. */
  get snapshot(): Snapshot | undefined {
    return this.#figures.snapshot
  }
  get readAt(): number | undefined {
    return this.#figures.readAt
  }
  get readError(): InfernetError | undefined {
    return this.#figures.readError
  }
  get now(): number {
    return this.#figures.now
  }
  /** True while what is shown may be wrong: it is old, or nodes tell different things. */
  get isUnconfirmed(): boolean {
    return this.#figures.isUnconfirmed
  }
  /** True when the nodes of the network tell different things of the same block. */
  get isDisputed(): boolean {
    return this.#figures.isDisputed
  }
  /** Which of the network's assets is looked at. */
  get asset(): number {
    return this.#figures.asset
  }
  set asset(index: number) {
    this.#figures.asset = index
  }
  get escrow(): EscrowOnChain | undefined {
    return this.#figures.escrow
  }
  /** What answers are paid from, whichever asset is looked at. */
  get paying(): EscrowOnChain | undefined {
    return this.#figures.paying
  }
  get stake(): StakeOnChain | undefined {
    return this.#figures.stake
  }
  /** Signed in this tab and not yet claimed, in the present epoch of the chosen asset. */
  get signed(): bigint {
    return this.#figures.signed
  }
  /** Claimed of what this tab signed in the present epoch. */
  get claimed(): bigint {
    return this.#figures.claimed
  }
  /** What can still be spent: the bond answers for the rest and is not spent. */
  get free(): bigint {
    return this.#figures.free
  }
  freeIn(escrow: EscrowOnChain | undefined): bigint {
    return this.#figures.freeIn(escrow)
  }

  /** Opens the wallet, once. It is loaded after the page stands, because it is heavy. */
  start(): void {
    this.#opening ??= this.#open()
    this.#figures.start()
  }

  /** Resolves when the wallet has been opened, well or not. */
  get opened(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  stop(): void {
    this.#life.abort(new DOMException('the page closes', 'AbortError'))
    this.#figures.stop()
    this.signing.stop()
  }

  /** Tries again at once. */
  async retry(): Promise<void> {
    if (this.#stage === 'failed') this.#opening = this.#open()
    await this.#opening
    await this.#figures.reconfirm()
  }

  /** Reads the chain now; a failure keeps what was read before. */
  refresh(): Promise<void> {
    return this.#figures.refresh()
  }

  /** Asks the relay's faucet for test money. */
  async askFaucet(): Promise<boolean> {
    const { faucet, network } = this.#need()
    const address = this.signer?.address
    if (!faucet || !address || this.#askingFaucet) return false
    this.#askingFaucet = true
    const ask = async (): Promise<boolean> => {
      let [known, hash] = [0n, undefined as Hash | undefined]
      // Another account's figures say nothing of this gift.
      const balance = (): bigint => {
        if (this.snapshot?.address === address) known = this.paying?.balance ?? 0n
        return known
      }
      const give = async (): Promise<void> =>
        void (hash = await faucet(address, { signal: this.#life.signal }))
      const amount = await gotFromFaucet(give, balance, (isThere) => this.#figures.readUntil(isThere))
      const block = this.snapshot?.block.number
      const [id, at] = [this.#services.newId(), this.#services.clock.now()]
      if (amount > 0n)
        await this.#journal.keep(faucetEntry(network, { id, at, address, amount, block, hash }))
      return true
    }
    return this.signing.attempt('wallet.faucet-refused', ask).finally(() => (this.#askingFaucet = false))
  }

  /**
   * True for a wallet of the tab that nothing locks, where money is real and more of it than a small amount hangs on its
   * key: what it holds, what it deposited and what it staked.
   */
  get needsLock(): boolean {
    const { network, signer, snapshot } = this
    if (!network || network.isTest || signer?.kind !== 'tab' || signer.asks) return false
    const { token } = network.contracts
    return (snapshot?.escrows ?? []).some((escrow) => {
      const staked = escrow.asset.toLowerCase() === token.toLowerCase() ? snapshot?.stake : undefined
      const own = escrow.balance + escrow.deposit + escrow.bond + escrow.credit
      return own + (staked ? staked.stake + staked.unbonding : 0n) > smallAmount(escrow)
    })
  }

  /** Up to so much of the chosen asset is kept, or may be spent by a session key, without a lock. */
  get small(): bigint {
    return this.escrow ? smallAmount(this.escrow) : 0n
  }

  /** Does something on the chain; `false` when it did not come to pass, as where the wallet needs a lock first. */
  do(intent: ActIntent): Promise<boolean> {
    const { signer } = this
    if (!signer) return Promise.resolve(false)
    if (this.needsLock) return this.act.refuse(signer, intent, 'wallet.no-lock')
    return this.act.begin(signer, intent)
  }

  /** Puts an answer's payment on record; another entry of that id is replaced. */
  record(entry: MoneyEntry): Promise<void> {
    return this.#journal.keep(entry)
  }

  async #open(): Promise<void> {
    this.#stage = 'loading'
    this.#error = undefined
    try {
      const money = await this.#services.openMoney({
        signal: this.#life.signal,
        unlock: this.unlocking.ask,
      })
      if (!money) {
        this.#stage = 'no-chain'
        return
      }
      this.#money = money
      this.signing.follow(money)
      await this.#journal.open(money)
      await this.signing.takeFirst(money)
      this.#stage = 'ready'
      await this.refresh()
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.unreachable')
      this.#stage = 'failed'
    }
  }

  /** Goes on with that signer: with what it left open, and with its figures. */
  async #begin(signer: Signer): Promise<void> {
    if (!this.act.isBusy) this.act.leave()
    this.#figures.forget()
    void this.act.takeUp(signer, this.undecided(signer.address))
    if (this.#stage === 'ready') await this.refresh()
  }

  /** A signer may go to another account; where only its chain changed, its figures stay. */
  #follow(signer: Signer): void {
    const { address } = signer
    if (address === this.snapshot?.address) return
    this.#figures.forget()
    void this.refresh()
    if (!this.act.intent) void this.act.takeUp(signer, this.undecided(address))
  }

  /** What stood in the way may be gone: then nothing says any more that it is there. */
  #ease({ address }: Signer): void {
    for (const act of this.#acts) {
      act.ease('wallet.wrong-chain')
      if (address === act.account) act.ease('wallet.other-account')
    }
  }

  #recheck({ block }: Snapshot, signer: Signer): void {
    for (const act of this.#acts) act.ease('wallet.unreachable')
    const isHeld = (id: string): boolean => this.#acts.some(({ entryId }) => entryId === id)
    const isFresh = this.act.isBusy // what is remembered is older than the act
    void this.#journal.recheck({ isFresh, block: block.number, isHeld }).then((undone) => {
      if (undone.length > 0) this.#followAgain(signer)
    })
  }

  /** A fork took back what was in a block: what says that it is done is taken away, and it is followed anew. */
  #followAgain(signer: Signer): void {
    const { act } = this
    if (signer !== this.signer || act.isBusy || act.error) return
    act.leave()
    void act.takeUp(signer, this.undecided(signer.address))
  }

  #need(): MoneyServices {
    if (!this.#money) throw new InfernetError('wallet.unreachable')
    return this.#money
  }
}
