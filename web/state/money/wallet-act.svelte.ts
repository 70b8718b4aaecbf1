import type { Address } from 'viem'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Act, ActState } from '../../wallet/act.ts'
import type { Signer } from '../../wallet/signer.ts'
import { ActEntry, type EntryKeeper } from './act-entry.ts'
import type { MovedEntry, MovedWhat } from './money-entries.ts'
import type { ActRun, MoneyServices } from './money-services.ts'

/** What the visitor pressed, as the page tells it while it is under way and after it. */
export interface ActIntent {
  readonly what: MovedWhat
  readonly act: Act
  /** What goes into the wallet, or out of it when negative; 0 when nothing moves. */
  readonly amount: bigint
  readonly symbol: string
  readonly decimals: number
  /** Whom it was made for; no other account does it. @default whoever signs */
  readonly account?: Address | undefined
}

interface ActComponents {
  readonly services: MoneyServices
  readonly now: () => number
  readonly newId: () => string
  /** Called when it is in a block, before it counts as done. */
  readonly onMined: (block: bigint) => Promise<void>
  readonly keeper: EntryKeeper
}

/** What is told while an act is under way; the act itself is there only for one that was begun here. */
type ShownIntent = Omit<ActIntent, 'act'> & { readonly act: Act | undefined }

/** After these, a wallet may yet send what it was asked for: the next one must not count beside it. */
const MAY_COME_LATE: readonly string[] = ['wallet.replaced', 'wallet.not-sent']

/** The one act under way, or the one that ended last. Another one begins only when it is over. */
export class WalletAct {
  readonly #components: ActComponents
  #intent = $state.raw<ShownIntent | undefined>()
  #state = $state.raw<ActState | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #hint = $state.raw<InfernetError | undefined>()
  #signer = $state.raw<Signer | undefined>()
  /** Whose act it is, whatever account its wallet changes to. */
  #account = $state<Address | undefined>()
  #run: ActRun | undefined
  #end: AbortController | undefined
  #entry: ActEntry | undefined
  #over: Promise<boolean> = Promise.resolve(false)
  #doubted = Promise.withResolvers<void>()

  constructor(components: ActComponents) {
    this.#components = components
  }

  get intent(): Omit<ActIntent, 'act'> | undefined {
    return this.#intent
  }
  /** Whose it is: the page may show another account by now. */
  get account(): Address | undefined {
    return this.#account
  }
  /** Who is asked for it. */
  get signer(): Signer | undefined {
    return this.#signer
  }
  /** Where it is; `undefined` when none was begun. */
  get state(): ActState | undefined {
    return this.#state
  }
  /** Why it is over; then nothing of it waits to be decided by the chain. */
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** Why the last press did nothing; the act goes on. */
  get hint(): InfernetError | undefined {
    return this.#hint
  }
  get isBusy(): boolean {
    return this.#intent !== undefined && this.#error === undefined && this.#state?.stage !== 'mined'
  }
  /** Of the entry that it writes; only while it is under way. */
  get entryId(): string | undefined {
    return this.isBusy ? this.#entry?.id : undefined
  }

  /** Resolves when it is over, well or not; `true` when it is done. */
  begin(signer: Signer, intent: ActIntent): Promise<boolean> {
    return this.#begin(signer, intent, false)
  }

  /** Goes on with the newest of what an earlier run of the page left open, as a tab that was closed. */
  takeUp(signer: Signer, open: readonly MovedEntry[]): Promise<boolean> {
    const left = open.find(({ transaction }) => transaction)
    if (this.isBusy || !left?.transaction) return Promise.resolve(false)
    const { transaction, hasMore = false, what, amount, symbol, decimals } = left
    this.#entry = new ActEntry(this.#components.keeper, left)
    const intent = { what, amount, symbol, decimals, act: undefined }
    return this.#start(signer, intent, false, (run) => run.resume(transaction, hasMore))
  }

  /** Resolves as {@link begin} does. @throws InfernetError `wallet.unknown` as soon as the outcome is in doubt */
  async decided(): Promise<boolean> {
    const doubt = this.#doubted.promise.then(() => Promise.reject(new InfernetError('wallet.unknown')))
    return Promise.race([this.#over, doubt])
  }

  /**
   * The same again: the very transaction whose outcome is not known, or the whole act when it is certain that nothing of
   * it is on its way, as after a declined signature.
   */
  async again(): Promise<boolean> {
    const [intent, signer, error] = [this.#intent, this.#signer, this.#error]
    if (this.isBusy) {
      await this.#press((run) => run.again())
      return false
    }
    if (!intent || !signer || !error || !intent.act) return false
    if (signer.address !== this.#account) {
      this.#error = new InfernetError('wallet.other-account')
      return false
    }
    return this.#begin(signer, { ...intent, act: intent.act }, MAY_COME_LATE.includes(error.code))
  }

  /** Takes the note away; what has been sent goes on without being watched here. */
  leave(): void {
    this.#end?.abort(new DOMException('left', 'AbortError'))
    this.#end = undefined
    this.#intent = undefined
    this.#state = undefined
    this.#error = undefined
    this.#hint = undefined
  }

  /** What stood in its way is gone: it says so, and can be tried again. */
  ease(code: ErrorCode): void {
    if (this.#error?.code === code) this.#error = new InfernetError('wallet.cause-gone')
    if (this.#hint?.code === code) this.#hint = undefined
  }

  /** The same transaction for a higher fee. */
  speedUp(): Promise<void> {
    return this.#press((run) => run.speedUp())
  }

  /** What could not be done is no end of the act: what was sent is on its way. */
  async #press(task: (run: ActRun) => Promise<void>): Promise<void> {
    this.#hint = undefined
    try {
      if (this.#run) await task(this.#run)
    } catch (thrown) {
      this.#hint = InfernetError.from(thrown, 'wallet.failed')
    }
  }

  #begin(signer: Signer, intent: ActIntent, isRepeat: boolean): Promise<boolean> {
    if (this.isBusy) return Promise.resolve(false)
    const { services, now, newId, keeper } = this.#components
    const { what, amount, symbol, decimals, account = signer.address } = intent
    if (account !== signer.address) return this.refuse(signer, { ...intent, account }, 'wallet.other-account')
    const wallet = signer.address.toLowerCase()
    this.#entry = new ActEntry(keeper, {
      ...{ kind: 'moved', id: newId(), at: now(), chainId: services.network.chainId, wallet, what, amount },
      ...{ symbol, decimals, hash: undefined, state: 'asked', block: undefined },
    })
    return this.#start(signer, intent, isRepeat || keeper.hasDoubt(wallet), (run) => run.run(intent.act))
  }

  /** Tells why it is not begun, in place of an act that is over; one that is under way goes on. */
  refuse(signer: Signer, intent: ActIntent, code: ErrorCode): Promise<boolean> {
    if (this.isBusy) return Promise.resolve(false)
    this.leave()
    this.#intent = intent
    this.#signer = signer
    this.#account = intent.account ?? signer.address
    this.#error = new InfernetError(code)
    return Promise.resolve(false)
  }

  #start(
    signer: Signer,
    intent: ShownIntent,
    isRepeat: boolean,
    task: (run: ActRun) => Promise<void>,
  ): Promise<boolean> {
    this.#end = new AbortController()
    this.#doubted = Promise.withResolvers()
    this.#intent = intent
    this.#signer = signer
    this.#account = signer.address
    this.#error = undefined
    this.#hint = undefined
    this.#state = { stage: 'checking' }
    this.#over = this.#perform(signer, this.#end, isRepeat, task)
    return this.#over
  }

  async #perform(
    signer: Signer,
    end: AbortController,
    isRepeat: boolean,
    task: (run: ActRun) => Promise<void>,
  ): Promise<boolean> {
    const { services, onMined, keeper } = this.#components
    const [entry, doubted] = [this.#entry, this.#doubted]
    let mined: Extract<ActState, { stage: 'mined' }> | undefined
    const isCurrent = (): boolean => this.#end === end
    const run = services.act(signer, {
      signal: end.signal,
      isRepeat,
      doubtful: keeper.doubtfulNonces(signer.address.toLowerCase()),
      isForeign: (hash) => entry?.isForeign(hash) ?? false,
      onRecord: async (record, hasMore) => entry?.note(record, hasMore),
      onState: (state) => {
        if (state.stage === 'unknown') doubted.resolve()
        // It counts as done when the page has read what changed.
        if (state.stage === 'mined') mined = state
        else if (isCurrent() && !mined) this.#state = state
      },
    })
    this.#run = run
    try {
      await task(run)
      await entry?.done()
      await onMined(mined?.block ?? 0n)
      if (isCurrent()) this.#state = mined
      return true
    } catch (thrown) {
      if (isCurrent()) this.#error = InfernetError.from(thrown, 'wallet.failed')
      return false
    }
  }
}
