import type { MoneyEntry, MovedEntry } from './money-entries.ts'
import type { MoneyServices } from './money-services.ts'

/** Entries whose block is not known yet are looked for again, so many at a time. */
const MAX_RECHECKS = 8

/** What was paid, earned and moved, the newest first, kept in this browser. */
export class MoneyJournal {
  #entries = $state.raw<readonly MoneyEntry[]>([])
  #services: Pick<MoneyServices, 'entries' | 'outcome'> | undefined

  get entries(): readonly MoneyEntry[] {
    return this.#entries
  }

  async open(services: Pick<MoneyServices, 'entries' | 'outcome'>): Promise<void> {
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

  /** Looks for what was sent and not yet seen in a block, as after the tab was closed meanwhile. */
  async recheck(): Promise<void> {
    for (const { entry, hash } of this.#open().slice(0, MAX_RECHECKS)) {
      const outcome = await this.#services?.outcome(hash).catch(() => undefined)
      if (outcome)
        await this.keep({ ...entry, block: outcome.block, state: outcome.succeeded ? 'mined' : 'failed' })
    }
  }

  #open(): { entry: MovedEntry; hash: `0x${string}` }[] {
    return this.#entries.flatMap((entry) =>
      entry.kind === 'moved' && entry.hash && entry.state !== 'failed' && entry.block === undefined
        ? [{ entry, hash: entry.hash as `0x${string}` }]
        : [],
    )
  }
}
