import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Act, ActState } from '../wallet/act.ts'
import type { Signer } from '../wallet/signer.ts'
import type { MovedEntry, MovedWhat } from './money-entries.ts'
import type { ActRun, MoneyServices } from './money-services.ts'

/** What the visitor pressed, as the page tells it while it is under way and after it. */
export interface ActWish {
  readonly what: MovedWhat
  readonly act: Act
  /** What goes into the wallet, or out of it when negative; 0 when nothing moves. */
  readonly amount: bigint
  readonly symbol: string
  readonly decimals: number
}

interface ActComponents {
  readonly services: MoneyServices
  readonly now: () => number
  readonly newId: () => string
  /** Called when it is in a block, before it counts as done. */
  readonly onMined: (block: bigint) => Promise<void>
  readonly onEntry: (entry: MovedEntry) => Promise<void>
}

/** The one act under way, or the one that ended last. Another one begins only when it is over. */
export class WalletAct {
  readonly #components: ActComponents
  #wish = $state.raw<ActWish | undefined>()
  #state = $state.raw<ActState | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #signer: Signer | undefined
  #run: ActRun | undefined
  #end: AbortController | undefined

  constructor(components: ActComponents) {
    this.#components = components
  }

  get wish(): ActWish | undefined {
    return this.#wish
  }
  /** Where it is; `undefined` when none was begun. */
  get state(): ActState | undefined {
    return this.#state
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  get isBusy(): boolean {
    return this.#wish !== undefined && this.#error === undefined && this.#state?.stage !== 'mined'
  }

  /** Resolves when it is over, well or not; `true` when it is done. */
  async begin(signer: Signer, wish: ActWish): Promise<boolean> {
    if (this.isBusy) return false
    const { services, now, newId, onMined, onEntry } = this.#components
    const end = new AbortController()
    let entry: MovedEntry | undefined
    let mined: Extract<ActState, { stage: 'mined' }> | undefined
    this.#end = end
    this.#wish = wish
    this.#signer = signer
    this.#error = undefined
    this.#state = { stage: 'checking' }
    const isCurrent = (): boolean => this.#end === end
    this.#run = services.act(signer, {
      signal: end.signal,
      onState: (state) => {
        // It counts as done when the page has read what changed.
        if (state.stage === 'mined') mined = state
        else if (isCurrent()) this.#state = state
      },
      onSent: async (hash) => {
        const { chainId } = services.network
        const wallet = signer.address.toLowerCase()
        const { what, amount, symbol, decimals } = wish
        entry ??= {
          ...{ kind: 'moved', id: newId(), at: now(), chainId, wallet, what, amount, symbol, decimals },
          ...{ hash, state: 'sent', block: undefined },
        }
        entry = { ...entry, hash }
        await onEntry(entry)
      },
    })
    try {
      await this.#run.run(wish.act)
      if (entry) await onEntry({ ...entry, state: 'mined' })
      await onMined(mined?.block ?? 0n)
      if (isCurrent()) this.#state = mined
      return true
    } catch (thrown) {
      const error = InfernetError.from(thrown, 'wallet.failed')
      if (isCurrent()) this.#error = error
      const isOver = error.code === 'wallet.reverted' || error.code === 'wallet.replaced'
      if (entry && isOver) await onEntry({ ...entry, state: 'failed' })
      return false
    }
  }

  /** Does the same again, as after a declined signature. */
  again(): Promise<boolean> {
    const [wish, signer] = [this.#wish, this.#signer]
    return wish && signer && !this.isBusy ? this.begin(signer, wish) : Promise.resolve(false)
  }

  /** Takes the note away; what has been sent goes on without being watched here. */
  leave(): void {
    this.#end?.abort(new DOMException('left', 'AbortError'))
    this.#end = undefined
    this.#wish = undefined
    this.#state = undefined
    this.#error = undefined
  }

  /** The same transaction for a higher fee. */
  async speedUp(): Promise<void> {
    try {
      await this.#run?.speedUp()
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.failed')
    }
  }
}
