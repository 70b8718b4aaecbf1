import type { MoneyEntry, MovedEntry, PaymentEntry } from './money-entries.ts'
import type { MoneyServices } from './money-services.ts'

type JournalServices = Pick<MoneyServices, 'network' | 'entries' | 'outcome' | 'claimed'>

/** Entries whose block is not known yet are looked for again, so many at a time. */
const MAX_RECHECKS = 8

/** What was paid, earned and moved, the newest first, kept in this browser. */
export class MoneyJournal {
  #entries = $state.raw<readonly MoneyEntry[]>([])
  #services: JournalServices | undefined
  /** Lines are asked about in turn. */
  #turn = 0

  get entries(): readonly MoneyEntry[] {
    return this.#entries
  }

  async open(services: JournalServices): Promise<void> {
    this.#services = services
    this.#entries = await services.entries.list().catch(() => [])
  }

  /** Puts an entry on record; another one of that id is replaced. */
  async keep(entry: MoneyEntry): Promise<void> {
    const others = this.#entries.filter(({ id }) => id !== entry.id)
    this.#entries = [entry, ...others].toSorted((a, b) => b.at - a.at)
    // Shown all the same where the browser keeps nothing.
    await this.#services?.entries.put(entry).catch(() => undefined)
  }

  /**
   * Looks for what was sent and not yet seen in a block, as after the tab was closed meanwhile, and for what was claimed
   * meanwhile, by whoever brought it to the chain.
   */
  async recheck({ isFresh = false }: { isFresh?: boolean } = {}): Promise<void> {
    for (const { entry, hash } of this.#open().slice(0, MAX_RECHECKS)) {
      const outcome = await this.#services?.outcome(hash).catch(() => undefined)
      if (outcome)
        await this.keep({ ...entry, block: outcome.block, state: outcome.succeeded ? 'mined' : 'failed' })
    }
    await this.#noteClaims(isFresh)
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

  #open(): { entry: MovedEntry; hash: `0x${string}` }[] {
    return this.#entries.flatMap((entry) =>
      entry.kind === 'moved' && entry.hash && entry.state !== 'failed' && entry.block === undefined
        ? [{ entry, hash: entry.hash as `0x${string}` }]
        : [],
    )
  }
}

type Lined = PaymentEntry & { readonly line: NonNullable<PaymentEntry['line']> }

/** Those of older pages have none. */
function hasLine(entry: MoneyEntry): entry is Lined {
  return entry.kind !== 'moved' && entry.line !== undefined
}
