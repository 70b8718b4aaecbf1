/**
 * Where the records of payments are kept: IndexedDB in a tab, a file in Node, a map in a test.
 *
 * What is promised: `update` reads and writes in one step that no other tab or call comes between, and when it resolves
 * the new value outlives a crash (IndexedDB: a `readwrite` transaction with `durability: 'strict'`).
 */
export interface LedgerStore {
  get(key: string): Promise<Uint8Array | undefined>
  /** Puts in place what `change` makes of the present value; what it throws leaves everything as it was. */
  update(key: string, change: (present: Uint8Array | undefined) => Uint8Array): Promise<void>
  /** All entries whose key begins so, in no order. */
  list(prefix: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>
  delete(key: string): Promise<void>
}

/** A store that lives as long as the process: for tests, and for who pays with play money. @internal */
export class MemoryLedgerStore implements LedgerStore {
  readonly #entries = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#entries.get(key)
  }

  async update(key: string, change: (present: Uint8Array | undefined) => Uint8Array): Promise<void> {
    this.#entries.set(key, change(this.#entries.get(key)))
  }

  async list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return [...this.#entries].filter(([key]) => key.startsWith(prefix))
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key)
  }
}
