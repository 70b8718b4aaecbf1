import type { Address, Hash } from 'viem'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { InjectedWallet } from '../../wallet/injected-wallets.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import type { EscrowOnChain, Snapshot, StakeOnChain } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import { faucetEntry, gotFromFaucet } from './faucet-gift.ts'
import type { MoneyEntry, MovedEntry } from './money-entries.ts'
import { MoneyJournal } from './money-journal.svelte.ts'
import type { MoneyServices } from './money-services.ts'
import type { WalletServices } from './money-services.ts'
import { signedSums, type SignedSum } from './signed-lines.ts'
import { WalletAct, type ActIntent } from './wallet-act.svelte.ts'

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

export type WalletStage = 'loading' | 'no-chain' | 'failed' | 'ready'

/** The visitor's money: who signs, what the chain says of it and how old that is, and what was done. */
export class Wallet {
  readonly #services: WalletServices
  readonly act: WalletAct
  readonly #journal = new MoneyJournal()
  readonly #acts: WalletAct[] = []
  #money = $state.raw<MoneyServices | undefined>()
  #stage = $state<WalletStage>('loading')
  #error = $state.raw<InfernetError | undefined>()
  #signer = $state.raw<Signer | undefined>()
  #chainId = $state<number | undefined>()
  /** The signer's own is no state of the page's: a change of it would not show. */
  #address = $state<Address | undefined>()
  #injected = $state.raw<readonly InjectedWallet[]>([])
  #kept = $state.raw<readonly Address[]>([])
  #snapshot = $state.raw<Snapshot | undefined>()
  #readAt = $state<number | undefined>()
  #readError = $state.raw<InfernetError | undefined>()
  #agrees = $state<boolean | undefined>()
  #sums = $state.raw<readonly SignedSum[]>([])
  #connecting = $state(false)
  #connectEnd: AbortController | undefined
  #askingFaucet = $state(false)
  #connectError = $state.raw<InfernetError | undefined>()
  /** Why the chain was not changed; untrue as soon as it is. */
  #switchError: InfernetError | undefined
  #asset = $state(0)
  #now = $state(0)
  #opening: Promise<void> | undefined
  #reading: Promise<void> | undefined
  #readDue = 0
  #confirmDue = 0
  #stopSigner: () => void = () => undefined
  #tick: { stop(): void } | undefined
  readonly #life = new AbortController()

  constructor(services: WalletServices) {
    this.#services = services
    this.#now = services.clock.now()
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
      onMined: (block) => this.#readUntil(({ block: { number } }) => number >= block),
      keeper: this.#journal,
    })
    this.#acts.push(act)
    return act
  }

  undecided(address: string | undefined = this.#signer?.address): readonly MovedEntry[] {
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
    return this.#signer
  }
  get address(): Address | undefined {
    return this.#snapshot?.address ?? this.#address
  }
  /** An extension's wallet may stand on another chain than the network's. */
  get isOnOtherChain(): boolean {
    return this.#signer !== undefined && this.#chainId !== this.#money?.network.chainId
  }
  /** Wallets that extensions brought. */
  get injected(): readonly InjectedWallet[] {
    return this.#injected
  }
  /** Addresses of the wallets in this browser. */
  get kept(): readonly Address[] {
    return this.#kept
  }
  /** True while an extension's wallet is asked for its accounts. */
  get isConnecting(): boolean {
    return this.#connecting
  }
  get isAskingFaucet(): boolean {
    return this.#askingFaucet
  }
  get connectError(): InfernetError | undefined {
    return this.#connectError
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
  /** True for a wallet that never had anything. */
  get isNew(): boolean {
    const snapshot = this.#snapshot
    if (!snapshot || this.entries.length > 0) return false
    const { escrows, stake } = snapshot
    return (
      escrows.every((each) => each.balance + each.deposit + each.bond === 0n) &&
      stake.stake + stake.unbonding === 0n
    )
  }

  /** Which of the network's assets is looked at. */
  get asset(): number {
    return this.#asset
  }
  set asset(index: number) {
    this.#asset = index
  }
  get escrow(): EscrowOnChain | undefined {
    return this.#snapshot?.escrows[this.#asset]
  }
  /** What answers are paid from, whichever asset is looked at; a deposit of another could only be taken back. */
  get paying(): EscrowOnChain | undefined {
    const main = this.network && payingEscrow(this.network)
    return this.#snapshot?.escrows.find(({ escrow }) => escrow === main?.escrow)
  }
  get stake(): StakeOnChain | undefined {
    return this.#snapshot?.stake
  }
  /** Signed in this tab and not yet claimed, in the present epoch of the chosen asset. */
  get signed(): bigint {
    return this.#sums[this.#asset]?.signed ?? 0n
  }
  /** Claimed of what this tab signed in the present epoch. */
  get claimed(): bigint {
    return this.#sums[this.#asset]?.claimed ?? 0n
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
  get entries(): readonly MoneyEntry[] {
    return this.#journal.entries
  }

  /** Opens the wallet, once. It is loaded after the page stands, because it is heavy. */
  start(): void {
    this.#opening ??= this.#open()
    this.#beat()
  }

  /** Resolves when the wallet has been opened, well or not. */
  get opened(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  stop(): void {
    this.#life.abort(new DOMException('the page closes', 'AbortError'))
    this.#tick?.stop()
    this.#stopSigner()
    this.#money?.injected.stop()
  }

  /** Tries again at once. */
  async retry(): Promise<void> {
    if (this.#stage === 'failed') this.#opening = this.#open()
    await this.#opening
    this.#confirmDue = 0
    await this.refresh()
  }

  /** Reads the chain now; a failure keeps what was read before. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** Takes an extension's wallet. A refusal leaves the present one in place. */
  async connect(wallet: InjectedWallet): Promise<boolean> {
    if (this.#connecting) return false
    this.#connecting = true
    this.#connectError = undefined
    const end = (this.#connectEnd = new AbortController())
    try {
      const signal = AbortSignal.any([this.#life.signal, end.signal])
      const signer = await this.#need().connect(wallet, { signal, mayAsk: true })
      if (!signer) return false
      this.#services.settings.set('wallet.chosen', wallet.rdns)
      await this.#take(signer)
      return true
    } catch (thrown) {
      if (!end.signal.aborted) this.#connectError = InfernetError.from(thrown, 'wallet.failed')
      return false
    } finally {
      this.#connecting = false
    }
  }

  /** Waits no longer for a wallet that does not answer; what it is asked stays open in its own window. */
  stopConnecting(): void {
    this.#connectEnd?.abort(new DOMException('given up', 'AbortError'))
  }

  /** Takes one of the wallets in this browser. @throws InfernetError `wallet.key-lost` */
  async takeKept(address: Address): Promise<void> {
    this.#connectError = undefined
    const money = this.#need()
    this.#kept = await money.vault.wallets()
    const signer = await money.tabSigner(address)
    this.#services.settings.set('wallet.chosen', address.toLowerCase())
    await this.#take(signer)
  }

  /** Takes a private key from the visitor and goes on with it. @throws InfernetError `wallet.bad-key` */
  async importKey(text: string): Promise<void> {
    await this.takeKept(await this.#need().vault.importWallet(text))
  }

  /** The private key in clear. @throws InfernetError `wallet.key-lost` */
  async revealKey(): Promise<string> {
    const signer = this.#signer
    if (signer?.kind !== 'tab') throw new InfernetError('wallet.key-lost')
    return this.#need().vault.reveal(signer.address)
  }

  /** Moves an extension's wallet to the network's chain. */
  async switchChain(): Promise<void> {
    this.#connectError = undefined
    const signer = this.#signer
    try {
      await signer?.switchChain(this.#need().network, { signal: this.#life.signal })
      this.#chainId = signer?.chainId
      this.#ease()
    } catch (thrown) {
      this.#switchError = InfernetError.from(thrown, 'wallet.failed')
      this.#connectError = this.#switchError
    }
  }

  /** Asks the relay's faucet for test money. */
  async askFaucet(): Promise<boolean> {
    const { faucet, network } = this.#need()
    const address = this.#signer?.address
    if (!faucet || !address || this.#askingFaucet) return false
    this.#askingFaucet = true
    this.#connectError = undefined
    try {
      let [known, hash] = [0n, undefined as Hash | undefined]
      // Another account's figures say nothing of this gift.
      const balance = (): bigint => {
        if (this.#snapshot?.address === address) known = this.paying?.balance ?? 0n
        return known
      }
      const ask = async (): Promise<void> =>
        void (hash = await faucet(address, { signal: this.#life.signal }))
      const amount = await gotFromFaucet(ask, balance, (isThere) => this.#readUntil(isThere))
      const block = this.#snapshot?.block.number
      const [id, at] = [this.#services.newId(), this.#services.clock.now()]
      if (amount > 0n)
        await this.#journal.keep(faucetEntry(network, { id, at, address, amount, block, hash }))
      return true
    } catch (thrown) {
      this.#connectError = InfernetError.from(thrown, 'wallet.faucet-refused')
      return false
    } finally {
      this.#askingFaucet = false
    }
  }

  dismissConnectError(): void {
    this.#connectError = undefined
  }

  /** Does something on the chain; `false` when it did not come to pass. */
  do(intent: ActIntent): Promise<boolean> {
    const signer = this.#signer
    return signer ? this.act.begin(signer, intent) : Promise.resolve(false)
  }

  /** Puts an answer's payment on record; another entry of that id is replaced. */
  record(entry: MoneyEntry): Promise<void> {
    return this.#journal.keep(entry)
  }

  async #open(): Promise<void> {
    this.#stage = 'loading'
    this.#error = undefined
    try {
      const money = await this.#services.openMoney({ signal: this.#life.signal })
      if (!money) {
        this.#stage = 'no-chain'
        return
      }
      this.#money = money
      this.#injected = money.injected.list
      money.injected.onChange(() => {
        this.#injected = money.injected.list
        void this.#reconnect()
      })
      await this.#journal.open(money)
      await this.#firstSigner(money)
      this.#stage = 'ready'
      await this.refresh()
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.unreachable')
      this.#stage = 'failed'
    }
  }

  /** The wallet of last time; on a test chain one is made where there is none. */
  async #firstSigner(money: MoneyServices): Promise<void> {
    this.#kept = await money.vault.wallets().catch(() => [])
    if (await this.#reconnect()) return
    const chosen = this.#services.settings.get('wallet.chosen')
    const known = this.#kept.find((address) => address.toLowerCase() === chosen) ?? this.#kept[0]
    try {
      // Where money is real, nobody gets a key that they did not ask for.
      const address = known ?? (money.network.isTest ? await money.vault.makeWallet() : undefined)
      if (!address) return
      if (!known) this.#kept = [address]
      await this.#take(await money.tabSigner(address))
    } catch (thrown) {
      this.#connectError = InfernetError.from(thrown, 'wallet.no-storage')
    }
  }

  /** Goes on with the extension's wallet of last time, without asking; it may announce itself late. */
  async #reconnect(): Promise<boolean> {
    const chosen = this.#services.settings.get('wallet.chosen')
    // Of two that go by one name nobody knows which was meant.
    const [wallet, ...same] = this.#injected.filter(({ rdns }) => rdns === chosen)
    if (!wallet || same.length > 0 || this.#signer?.kind === 'injected' || this.#connecting) return false
    try {
      const signer = await this.#need().connect(wallet, { signal: this.#life.signal, mayAsk: false })
      if (signer) await this.#take(signer)
      return signer !== undefined
    } catch {
      return false
    }
  }

  /** Makes a wallet of the tab on a chain where money is real, because the visitor said so. */
  async makeWallet(): Promise<void> {
    try {
      await this.takeKept(await this.#need().vault.makeWallet())
    } catch (thrown) {
      this.#connectError = InfernetError.from(thrown, 'wallet.no-storage')
    }
  }

  async #take(signer: Signer): Promise<void> {
    this.#stopSigner()
    if (!this.act.isBusy) this.act.leave()
    this.#signer = signer
    this.#chainId = signer.chainId
    this.#address = signer.address
    this.#forget()
    this.#stopSigner = signer.onChange(() => {
      this.#chainId = signer.chainId
      this.#address = signer.address
      this.#ease()
      if (signer.address === this.#snapshot?.address) return
      this.#forget()
      void this.refresh()
      if (!this.act.intent) void this.act.takeUp(signer, this.undecided(signer.address))
    })
    void this.act.takeUp(signer, this.undecided(signer.address))
    if (this.#stage === 'ready') await this.refresh()
  }

  /** What stood in the way may be gone: then nothing says any more that it is there. */
  #ease(): void {
    const signer = this.#signer
    if (!signer || this.isOnOtherChain) return
    // A wallet may change the chain a while after it has said so, or after nobody waited any more.
    if (this.#connectError && this.#connectError === this.#switchError) this.dismissConnectError()
    for (const act of this.#acts) {
      act.ease('wallet.wrong-chain')
      if (signer.address === act.account) act.ease('wallet.other-account')
    }
  }

  /** Another wallet's figures are never shown as this one's. */
  #forget(): void {
    this.#snapshot = undefined
    this.#readAt = undefined
    this.#agrees = undefined
    this.#sums = []
  }

  async #read(): Promise<void> {
    const [money, signer] = [this.#money, this.#signer]
    if (!money || !signer) return
    const { clock, conditions } = this.#services
    const [{ chainId, escrows }, { address }] = [money.network, signer]
    void signer.look?.({ signal: this.#life.signal }).catch(() => undefined) // it says so when it is needed
    this.#readDue = clock.now() + (conditions.hidden ? READ_EVERY_HIDDEN_MS : READ_EVERY_MS)
    try {
      const sessionKeys = await Promise.all(
        escrows.map(({ escrow }) =>
          money.vault.sessionAddress({ chainId, escrow, payer: address }).catch(() => undefined),
        ),
      )
      const snapshot = await money.read({ address, sessionKeys })
      if (signer !== this.#signer || address !== signer.address) return
      this.#sums = await signedSums(money, snapshot)
      this.#snapshot = snapshot
      this.#readAt = clock.now()
      this.#now = clock.now()
      this.#readError = undefined
      for (const act of this.#acts) act.ease('wallet.unreachable')
      if (clock.now() >= this.#confirmDue) void this.#confirm(money, snapshot)
      const isHeld = (id: string): boolean => this.#acts.some(({ entryId }) => entryId === id)
      const isFresh = this.act.isBusy // what is remembered is older than the act
      void this.#journal.recheck({ isFresh, block: snapshot.block.number, isHeld }).then((undone) => {
        if (undone.length > 0) this.#followAgain(signer)
      })
    } catch (thrown) {
      this.#readError = InfernetError.from(thrown, 'wallet.unreachable')
      this.#readDue = clock.now() + RETRY_MS
    }
  }

  /** A fork took back what was in a block: what says that it is done is taken away, and it is followed anew. */
  #followAgain(signer: Signer): void {
    const { act } = this
    if (signer !== this.#signer || act.isBusy || act.error) return
    act.leave()
    void act.takeUp(signer, this.undecided(signer.address))
  }

  /** Reads until a node knows what has just happened: one behind a cache may be a moment behind. */
  async #readUntil(knows: (snapshot: Snapshot) => boolean): Promise<void> {
    for (let i = 0; i < MAX_CATCH_UPS; i++) {
      await this.#reading
      await this.refresh()
      if (this.#snapshot && knows(this.#snapshot)) return
      await sleep(this.#services.clock, millis(CATCH_UP_MS), { signal: this.#life.signal })
    }
  }

  async #confirm(money: MoneyServices, snapshot: Snapshot): Promise<void> {
    this.#confirmDue = this.#services.clock.now() + CONFIRM_EVERY_MS
    const agrees = await money.confirm(snapshot).catch(() => undefined)
    // What was asked for another wallet says nothing of this one.
    if (snapshot.address === this.#snapshot?.address) this.#agrees = agrees
  }

  #need(): MoneyServices {
    if (!this.#money) throw new InfernetError('wallet.unreachable')
    return this.#money
  }

  #beat(): void {
    const { clock } = this.#services
    this.#now = clock.now()
    if (this.#stage === 'ready' && this.#now >= this.#readDue && !this.#reading) void this.refresh()
    this.#tick = clock.schedule(millis(SECOND_MS), () => this.#beat())
  }
}
