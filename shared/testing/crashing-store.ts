import type { LedgerStore } from '../settle/ledger-store.ts'

/** What a tab that is closed looks like from inside: nothing answers any more. */
class TabClosed extends Error {}

/**
 * A store whose tab closes at its nth write, before or after that reached the disk. Everything after fails, as in a tab
 * that is gone; the store beneath keeps what was written.
 */
export class CrashingStore implements LedgerStore {
  readonly #beneath: LedgerStore
  readonly #at: number
  readonly #isAfter: boolean
  #writes = 0
  isClosed = false

  constructor(beneath: LedgerStore, at: number, { isAfter }: { isAfter: boolean }) {
    this.#beneath = beneath
    this.#at = at
    this.#isAfter = isAfter
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#expectOpen()
    return this.#beneath.get(key)
  }

  async list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    this.#expectOpen()
    return this.#beneath.list(prefix)
  }

  async update(key: string, change: (present: Uint8Array | undefined) => Uint8Array): Promise<void> {
    await this.#write(() => this.#beneath.update(key, change))
  }

  async delete(key: string): Promise<void> {
    await this.#write(() => this.#beneath.delete(key))
  }

  async #write(write: () => Promise<void>): Promise<void> {
    this.#expectOpen()
    const isLast = ++this.#writes === this.#at
    if (!isLast || this.#isAfter) await write()
    if (isLast) this.isClosed = true
    this.#expectOpen()
  }

  #expectOpen(): void {
    if (this.isClosed) throw new TabClosed('the tab was closed')
  }
}
