import type { Hash } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { EntryKeeper } from './act-entry.ts'
import {
  FINAL_BLOCKS,
  isUndecided,
  type MoneyEntry,
  type MovedEntry,
  type PaymentEntry,
} from './money-entries.ts'
import type { MoneyServices } from './money-services.ts'
import { Looks, settledBy } from './settled-entry.ts'

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
   * Looks for what was sent and not yet seen in a block, as after the tab was closed meanwhile, and for what was claimed
   * meanwhile, by whoever brought it to the chain.
   */
  async recheck({ isFresh = false, block = 0n, isHeld = () => false }: RecheckInit = {}): Promise<void> {
    const open = this.#open(block).filter(({ id }) => !isHeld(id))
    const first = open.length > 0 ? this.#openTurn++ % open.length : 0
    for (const entry of [...open.slice(first), ...open.slice(0, first)].slice(0, MAX_RECHECKS)) {
      const settled = entry.transaction ? await this.#lookedUp(entry, block) : await this.#foundByHash(entry)
      // An act may have taken it up meanwhile, or written more of it.
      if (settled && !isHeld(entry.id) && this.#entries.includes(entry)) await this.keep(settled)
    }
    await this.#noteClaims(isFresh)
  }

  async #lookedUp(entry: MovedEntry, block: bigint): Promise<MovedEntry | undefined> {
    const services = this.#services
    if (!services || !entry.transaction) return undefined
    const isForeign = (hash: Hash): boolean => this.isForeign(hash, entry.id)
    const fate = await services.lookUp(entry.transaction, isForeign)
    return this.#looks.isProof(entry.id, fate) ? settledBy(entry, entry.transaction, fate, block) : undefined
  }

  /** Those of older pages. */
  async #foundByHash(entry: MovedEntry): Promise<MovedEntry | undefined> {
    const outcome = await this.#services?.outcome(entry.hash as Hash).catch(() => undefined)
    if (!outcome) return undefined
    return { ...entry, block: outcome.block, state: outcome.succeeded ? 'mined' : 'failed' }
  }

  async #noteClaims(isFresh: boolean): Promise<void> {
    const lines = this.#unclaimed()
    const first = lines.length > 0 ? this.#turn++ % lines.length : 0
    for (const [i, entries] of [...lines.slice(first), ...lines.slice(0, first)]
      .slice(0, MAX_RECHECKS)
      .entries()) {
      const line = entries[0]?.line
      // One in turn is asked of the chain itself, so that a claim shows within some reads; the others may be remembered.
      const how = { isFresh: isFresh || i === 0 }
      const claimed = line && (await this.#services?.claimed(line, how).catch(() => undefined))
      for (const entry of entries)
        if (claimed !== undefined && entry.line.upTo <= claimed)
          await this.keep({ ...entry, isClaimed: true })
    }
  }

  /** What was paid or earned and waits for a claim, one list for each line of payment. */
  #unclaimed(): readonly (readonly Lined[])[] {
    const chainId = this.#services?.network.chainId
    const open = this.#entries.filter(hasLine).filter((each) => !each.isClaimed && each.chainId === chainId)
    const lines = Object.groupBy(
      open,
      ({ line: { payer, provider, model, epoch } }) => `${payer} ${provider} ${model} ${epoch}`,
    )
    return Object.values(lines).map((entries = []) => entries)
  }

  /** What the chain has not decided, or could still take back and is about to make final. */
  #open(block: bigint): MovedEntry[] {
    const chainId = this.#services?.network.chainId
    const isRipe = (at: number | undefined): boolean => at !== undefined && Number(block) - at >= FINAL_BLOCKS
    return this.#entries.filter((entry): entry is MovedEntry => {
      if (entry.kind !== 'moved' || entry.chainId !== chainId) return false
      if (!entry.transaction)
        return entry.hash !== undefined && entry.state !== 'failed' && entry.block === undefined
      return isUndecided(entry) || (entry.state === 'mined' && isRipe(entry.block))
    })
  }
}

type Lined = PaymentEntry & { readonly line: NonNullable<PaymentEntry['line']> }

/** Those of older pages have none. */
function hasLine(entry: MoneyEntry): entry is Lined {
  return entry.kind !== 'moved' && entry.line !== undefined
}
