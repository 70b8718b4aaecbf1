import type { Address } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import type { InjectedWallet } from '../../wallet/injected-wallets.ts'
import type { NewLock } from '../../wallet/key-locks.ts'
import type { Signer } from '../../wallet/signer.ts'
import { Persisted, text } from '../session/persisted.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import type { MoneyServices } from './money-services.ts'

interface SignerChoiceComponents {
  readonly settings: SettingsStore
  /** Aborts when the page closes. */
  readonly signal: AbortSignal
  /** Called with each signer that is taken. */
  readonly onTaken: (signer: Signer) => Promise<void>
  /** Called when the present signer changed its account or its chain. */
  readonly onMoved: (signer: Signer) => void
  /** Called when the present signer's account or chain may have changed and the chain is the network's. */
  readonly onRightChain: (signer: Signer) => void
}

/** Who signs: a wallet of this tab or an extension's, as the visitor chose, and on which chain it stands. */
export class SignerChoice {
  readonly #components: SignerChoiceComponents
  /** An extension's name, or the address of one of the tab's wallets in small letters. */
  readonly #chosen: Persisted<string | undefined>
  #money: MoneyServices | undefined
  #signer = $state.raw<Signer | undefined>()
  #chainId = $state<number | undefined>()
  /** The signer's own is no state of the page's: a change of it would not show. */
  #address = $state<Address | undefined>()
  #injected = $state.raw<readonly InjectedWallet[]>([])
  #kept = $state.raw<readonly Address[]>([])
  #connecting = $state(false)
  #connectEnd: AbortController | undefined
  #error = $state.raw<InfernetError | undefined>()
  /** Why the chain was not changed; untrue as soon as it is. */
  #switchError: InfernetError | undefined
  #stopSigner: () => void = () => undefined

  constructor(components: SignerChoiceComponents) {
    this.#components = components
    this.#chosen = new Persisted(components.settings, 'wallet.chosen', text)
  }

  get signer(): Signer | undefined {
    return this.#signer
  }
  /** The account that the signer stands on now. */
  get address(): Address | undefined {
    return this.#address
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
  /** Why the last thing that was tried came to nothing. */
  get error(): InfernetError | undefined {
    return this.#error
  }

  dismissError(): void {
    this.#error = undefined
  }

  /** Follows the wallets that extensions bring; they may come late. */
  follow(money: MoneyServices): void {
    this.#money = money
    this.#injected = money.injected.list
    money.injected.onChange(() => {
      this.#injected = money.injected.list
      void this.#reconnect(money)
    })
  }

  /** Takes the wallet of last time; on a test chain one is made where there is none. */
  async takeFirst(money: MoneyServices): Promise<void> {
    this.#kept = await money.vault.wallets().catch(() => [])
    if (await this.#reconnect(money)) return
    const chosen = this.#chosen.value
    const known = this.#kept.find((address) => address.toLowerCase() === chosen) ?? this.#kept[0]
    try {
      // Where money is real, nobody gets a key that they did not ask for.
      const address = known ?? (money.network.isTest ? await money.vault.makeWallet() : undefined)
      if (!address) return
      if (!known) this.#kept = [address]
      await this.#take(await money.tabSigner(address))
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.no-storage')
    }
  }

  stop(): void {
    this.#stopSigner()
    this.#money?.injected.stop()
  }

  /**
   * Tries it; `false` when it came to nothing. Why stands in {@link error}: what was thrown, or `code` for what has no
   * name; nothing when `end` gave it up.
   */
  async attempt(code: ErrorCode, task: () => Promise<boolean>, end?: AbortSignal): Promise<boolean> {
    this.#error = undefined
    try {
      return await task()
    } catch (thrown) {
      if (!end?.aborted) this.#error = InfernetError.from(thrown, code)
      return false
    }
  }

  /** Takes an extension's wallet, one at a time. A refusal leaves the present one in place. */
  async connect(wallet: InjectedWallet): Promise<boolean> {
    if (this.#connecting) return false
    this.#connecting = true
    const end = (this.#connectEnd = new AbortController())
    const signal = AbortSignal.any([this.#components.signal, end.signal])
    const connect = async (): Promise<boolean> => {
      const signer = await this.#need().connect(wallet, { signal, mayAsk: true })
      if (!signer) return false
      this.#chosen.value = wallet.rdns
      await this.#take(signer)
      return true
    }
    return this.attempt('wallet.failed', connect, end.signal).finally(() => (this.#connecting = false))
  }

  /** Waits no longer for a wallet that does not answer; what it is asked stays open in its own window. */
  stopConnecting(): void {
    this.#connectEnd?.abort(new DOMException('given up', 'AbortError'))
  }

  /** Takes one of the wallets in this browser. @throws InfernetError `wallet.key-lost` */
  async takeKept(address: Address): Promise<void> {
    this.#error = undefined
    const money = this.#need()
    this.#kept = await money.vault.wallets()
    const signer = await money.tabSigner(address)
    this.#chosen.value = address.toLowerCase()
    await this.#take(signer)
  }

  /** Takes a private key from the visitor and goes on with it. @throws InfernetError `wallet.bad-key` */
  async importKey(key: string, lock?: NewLock): Promise<void> {
    await this.takeKept(await this.#need().vault.importWallet(key, lock))
  }

  /**
   * Locks the wallet of the tab, or gives it another lock.
   *
   * @throws InfernetError `wallet.key-lost`, `wallet.locked`, `wallet.no-storage`
   */
  async setLock(lock: NewLock): Promise<void> {
    const signer = this.#signer
    if (signer?.kind !== 'tab') throw new InfernetError('wallet.key-lost')
    await this.#need().vault.setLock(signer.address, lock)
    await this.takeKept(signer.address)
  }

  /** The private key in clear. @throws InfernetError `wallet.key-lost` */
  async revealKey(): Promise<string> {
    const signer = this.#signer
    if (signer?.kind !== 'tab') throw new InfernetError('wallet.key-lost')
    return this.#need().vault.reveal(signer.address)
  }

  /** Makes a wallet of the tab on a chain where money is real, because the visitor said so. */
  async makeWallet(lock?: NewLock): Promise<void> {
    try {
      await this.takeKept(await this.#need().vault.makeWallet(lock))
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.no-storage')
    }
  }

  /** Moves an extension's wallet to the network's chain. */
  async switchChain(): Promise<void> {
    this.#error = undefined
    const signer = this.#signer
    try {
      await signer?.switchChain(this.#need().network, { signal: this.#components.signal })
      this.#chainId = this.#signer?.chainId
      this.#ease()
    } catch (thrown) {
      this.#switchError = InfernetError.from(thrown, 'wallet.failed')
      this.#error = this.#switchError
    }
  }

  /** Goes on with the extension's wallet of last time, without asking. */
  async #reconnect(money: MoneyServices): Promise<boolean> {
    // Of two that go by one name nobody knows which was meant.
    const [wallet, ...same] = this.#injected.filter(({ rdns }) => rdns === this.#chosen.value)
    if (!wallet || same.length > 0 || this.#signer?.kind === 'injected' || this.#connecting) return false
    try {
      const signer = await money.connect(wallet, { signal: this.#components.signal, mayAsk: false })
      if (signer) await this.#take(signer)
      return signer !== undefined
    } catch {
      return false
    }
  }

  async #take(signer: Signer): Promise<void> {
    this.#stopSigner()
    this.#signer = signer
    this.#chainId = signer.chainId
    this.#address = signer.address
    this.#stopSigner = signer.onChange(() => {
      this.#chainId = signer.chainId
      this.#address = signer.address
      this.#ease()
      this.#components.onMoved(signer)
    })
    await this.#components.onTaken(signer)
  }

  /** The chain may be the right one by now: then nothing says any more that it was not changed. */
  #ease(): void {
    if (!this.#signer || this.isOnOtherChain) return
    // A wallet may change the chain a while after it has said so, or after nobody waited any more.
    if (this.#error && this.#error === this.#switchError) this.dismissError()
    this.#components.onRightChain(this.#signer)
  }

  #need(): MoneyServices {
    if (!this.#money) throw new InfernetError('wallet.unreachable')
    return this.#money
  }
}
