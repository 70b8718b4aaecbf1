import type { Hash } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { EntryKeeper } from './act-entry.ts'
import { isUndecided, type MoneyEntry, type MovedEntry } from './money-entries.ts'
import type { MoneyServices } from './money-services.ts'
import { claimedEntry, foundEntry, hasLine, Looks, settledBy, type Lined } from './settled-entry.ts'

type JournalServices = Pick<MoneyServices, 'network' | 'entries' | 'outcome' | 'claimed' | 'lookUp'>

/** Entries whose block is not known yet are looked for again, so many at a time. */
const MAX_RECHECKS = 8

export interface RecheckInit {
  /** Asks the chain itself, not what is remembered. */
  readonly isFresh?: boolean
  /** The newest block that is known. */
  readonly block?: bigint
  /** Whether an act in this tab follows that entry. */
  readonly isHeld?: (id: string) => boolean
}

/** What was paid, earned and moved, the newest first, kept in this browser. */
export class MoneyJournal implements EntryKeeper {
  #entries = $state.raw<readonly MoneyEntry[]>([])
  #services: JournalServices | undefined
  /** Lines are asked about in turn, and so is what is not decided. */
  #turn = 0
  #openTurn = 0
  readonly #looks = new Looks()

  get entries(): readonly MoneyEntry[] {
    return this.#entries
  }

  async open(services: JournalServices): Promise<void> {
    this.#services = services
    this.#entries = await services.entries.list().catch(() => [])
  }

  /** Puts an entry on record; another one of that id is replaced. */
  async keep(entry: MoneyEntry): Promise<void> {
    this.#show(entry)
    // Shown all the same where the browser keeps nothing.
    await this.#services?.entries.put(entry).catch(() => undefined)
  }

  /** The same, for what must be on the disk first. @throws InfernetError `wallet.no-record` */
  async write(entry: MovedEntry): Promise<void> {
    try {
      await this.#services?.entries.put(entry)
    } catch (cause) {
      throw new InfernetError('wallet.no-record', {}, { cause })
    }
    this.#show(entry)
  }

  async remove(id: string): Promise<void> {
    this.#entries = this.#entries.filter((entry) => entry.id !== id)
    await this.#services?.entries.remove(id).catch(() => undefined)
  }

  isForeign(hash: Hash, id: string): boolean {
    return this.#entries.some(
      (entry) =>
        entry.kind === 'moved' &&
        entry.id !== id &&
        (entry.hash === hash || (entry.transaction?.hashes.includes(hash) ?? false)),
    )
  }

  /** What this wallet began and the chain has not decided, the newest first. */
  undecided(wallet: string): readonly MovedEntry[] {
    const chainId = this.#services?.network.chainId
    return this.#entries
      .filter((entry) => entry.kind === 'moved')
      .filter(isUndecided)
      .filter(({ what }) => what !== 'faucet') // the relay's own, with a number of its account
      .filter((entry) => entry.wallet === wallet.toLowerCase() && entry.chainId === chainId)
  }

  hasDoubt(wallet: string): boolean {
    return this.undecided(wallet).some(
      ({ state, transaction }) =>
        state === 'asked' ||
        state === 'unknown' ||
        // A wallet named a hash that no node has shown yet.
        (state === 'sent' && transaction?.nonce === undefined),
    )
  }

  doubtfulNonces(wallet: string): readonly number[] {
    return this.undecided(wallet).flatMap(({ state, transaction }) =>
      state === 'signed' && transaction?.nonce !== undefined ? [transaction.nonce] : [],
    )
  }

  #show(entry: MoneyEntry): void {
    const others = this.#entries.filter(({ id }) => id !== entry.id)
    this.#entries = [entry, ...others].toSorted((a, b) => b.at - a.at)
  }

  /**
   * Looks for what was sent and not yet seen in a block, as after the tab was closed meanwhile, for what was claimed
   * meanwhile, by whoever brought it to the chain, and whether a fork has taken back what was in a block and not deep.
   *
   * @returns what was taken back
   */
  async recheck({ isFresh = false, block = 0n, isHeld = () => false }: RecheckInit = {}): Promise<
    readonly MovedEntry[]
  > {
    const undone: MovedEntry[] = []
    const open = this.#open().filter(({ id }) => !isHeld(id))
    const first = open.length > 0 ? this.#openTurn++ % open.length : 0
    for (const entry of [...open.slice(first), ...open.slice(0, first)].slice(0, MAX_RECHECKS)) {
      const settled = await (entry.transaction
        ? this.#lookedUp(entry, block)
        : this.#foundByHash(entry, block))
      // An act may have taken it up meanwhile, or written more of it.
      if (!settled || isHeld(entry.id) || !this.#entries.includes(entry)) continue
      await this.keep(settled)
      if (isUndecided(settled) && !isUndecided(entry)) undone.push(settled)
    }
    await this.#noteClaims(isFresh, Number(block))
    return undone
  }

  async #lookedUp(entry: MovedEntry, block: bigint): Promise<MovedEntry | undefined> {
    const services = this.#services
    if (!services || !entry.transaction) return undefined
    const isForeign = (hash: Hash): boolean => this.isForeign(hash, entry.id)
    const fate = await services.lookUp(entry.transaction, isForeign)
    return this.#looks.isProof(entry, fate) ? settledBy(entry, entry.transaction, fate, block) : undefined
  }

  /** Those of older pages, and what somebody else sent. */
  async #foundByHash(entry: MovedEntry, newest: bigint): Promise<MovedEntry | undefined> {
    const { hash } = entry
    const outcome = await this.#services?.outcome(hash as Hash).catch(() => 'silent' as const)
    if (outcome === 'silent') return undefined
    const fate = { kind: outcome ? 'mined' : 'absent' } as const
    if (!this.#looks.isProof(entry, fate)) return undefined
    return foundEntry(entry, outcome, newest)
  }

  async #noteClaims(isFresh: boolean, block: number): Promise<void> {
    const lines = this.#lines()
    const first = lines.length > 0 ? this.#turn++ % lines.length : 0
    for (const [i, entries] of [...lines.slice(first), ...lines.slice(0, first)]
      .slice(0, MAX_RECHECKS)
      .entries()) {
      const line = entries[0]?.line
      // One in turn is asked of the chain itself, so that a claim shows within some reads; the others may be remembered.
      const how = { isFresh: isFresh || i === 0 || entries.some(({ isClaimed }) => isClaimed) }
      const claimed = line && (await this.#services?.claimed(line, how).catch(() => undefined))
      if (claimed === undefined) continue
      for (const entry of entries) {
        const noted = claimedEntry(entry, claimed, block)
        if (noted && this.#entries.includes(entry)) await this.keep(noted)
      }
    }
  }

  /** What was paid or earned and waits for a claim, or whose claim is not deep, one list for each line of payment. */
  #lines(): readonly (readonly Lined[])[] {
    const chainId = this.#services?.network.chainId
    const open = this.#entries
      .filter(hasLine)
      .filter((each) => (!each.isClaimed || each.claimedAt !== undefined) && each.chainId === chainId)
    const lines = Object.groupBy(
      open,
      ({ line: { payer, provider, model, epoch } }) => `${payer} ${provider} ${model} ${epoch}`,
    )
    return Object.values(lines).map((entries = []) => entries)
  }

  /** What the chain has not decided, or could still take back. What is deep has no transaction any more. */
  #open(): MovedEntry[] {
    const chainId = this.#services?.network.chainId
    return this.#entries.filter((entry): entry is MovedEntry => {
      if (entry.kind !== 'moved' || entry.chainId !== chainId) return false
      return (
        entry.transaction !== undefined ||
        (entry.hash !== undefined && (entry.state === 'mined' || isUndecided(entry)))
      )
    })
  }
}
