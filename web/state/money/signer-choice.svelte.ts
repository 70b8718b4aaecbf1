import type { Address } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import type { InjectedWallet } from '../../wallet/injected-wallets.ts'
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
  /** Called when the present signer's wallet was moved to the network's chain. */
  readonly onSwitched: () => void
}

/** Who signs: a wallet of this tab or an extension's, as the visitor chose, and on which chain it stands. */
export class SignerChoice {
  readonly #components: SignerChoiceComponents
  /** An extension's name, or the address of one of the tab's wallets in small letters. */
  readonly #chosen: Persisted<string | undefined>
  #money: MoneyServices | undefined
  #signer = $state.raw<Signer | undefined>()
  #chainId = $state<number | undefined>()
  #injected = $state.raw<readonly InjectedWallet[]>([])
  #kept = $state.raw<readonly Address[]>([])
  #asking = $state(false)
  #error = $state.raw<InfernetError | undefined>()
  #stopSigner: () => void = () => undefined

  constructor(components: SignerChoiceComponents) {
    this.#components = components
    this.#chosen = new Persisted(components.settings, 'wallet.chosen', text)
  }

  get signer(): Signer | undefined {
    return this.#signer
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
  /** True while an extension or the faucet is asked. */
  get isAsking(): boolean {
    return this.#asking
  }
  /** What the last of these came to nothing for. */
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
   * Asks an extension or the faucet, one at a time; `false` while another is asked, or when it came to nothing. Why
   * stands in {@link error}: what was thrown, or `code` for what has no name.
   */
  async ask(code: ErrorCode, task: () => Promise<boolean>): Promise<boolean> {
    if (this.#asking) return false
    this.#asking = true
    this.#error = undefined
    try {
      return await task()
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, code)
      return false
    } finally {
      this.#asking = false
    }
  }

  /** Takes an extension's wallet. A refusal leaves the present one in place. */
  connect(wallet: InjectedWallet): Promise<boolean> {
    return this.ask('wallet.failed', async () => {
      const { signal } = this.#components
      const signer = await this.#need().connect(wallet, { signal, mayAsk: true })
      if (!signer) return false
      this.#chosen.value = wallet.rdns
      await this.#take(signer)
      return true
    })
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
  async importKey(key: string): Promise<void> {
    await this.takeKept(await this.#need().vault.importWallet(key))
  }

  /** The private key in clear. @throws InfernetError `wallet.key-lost` */
  async revealKey(): Promise<string> {
    const signer = this.#signer
    if (signer?.kind !== 'tab') throw new InfernetError('wallet.key-lost')
    return this.#need().vault.reveal(signer.address)
  }

  /** Makes a wallet of the tab on a chain where money is real, because the visitor said so. */
  async makeWallet(): Promise<void> {
    try {
      await this.takeKept(await this.#need().vault.makeWallet())
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
      this.#components.onSwitched()
      this.#chainId = signer?.chainId
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.failed')
    }
  }

  /** Goes on with the extension's wallet of last time, without asking. */
  async #reconnect(money: MoneyServices): Promise<boolean> {
    const wallet = this.#injected.find(({ rdns }) => rdns === this.#chosen.value)
    if (!wallet || this.#signer?.kind === 'injected' || this.#asking) return false
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
    this.#stopSigner = signer.onChange(() => {
      this.#chainId = signer.chainId
      // A wallet may change the chain a while after it has said so.
      if (this.#error?.code === 'wallet.wrong-chain' && !this.isOnOtherChain) this.dismissError()
      this.#components.onMoved(signer)
    })
    await this.#components.onTaken(signer)
  }

  #need(): MoneyServices {
    if (!this.#money) throw new InfernetError('wallet.unreachable')
    return this.#money
  }
}
