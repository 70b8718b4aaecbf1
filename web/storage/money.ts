import { openDB, type DBSchema, type IDBPDatabase } from 'idb'

/** Movements are shown page by page; these many are kept, the oldest go. Vouchers and receipts are never thrown away. */
const MAX_MOVEMENTS = 2000

interface Kept {
  readonly id: string
  readonly at: number
}
interface Schema extends DBSchema {
  ledger: { key: string; value: Uint8Array }
  movements: { key: string; value: Kept; indexes: { at: number } }
}

/** The records of money in this browser: what was signed and received, and what was moved on the chain. */
export interface MoneyStore<T extends Kept> {
  /** Vouchers and receipts, as the ledgers write them. */
  readonly ledger: LedgerEntries
  /** What this wallet did on the chain, the newest first. */
  readonly movements: {
    list(): Promise<readonly T[]>
    /** Keeps the newest; another of that id is replaced, or merged where the store was told how. */
    put(movement: T): Promise<void>
    remove(id: string): Promise<void>
  }
}

/** Reads and writes in one step that no other tab comes between; what is written outlives a crash. */
export interface LedgerEntries {
  get(key: string): Promise<Uint8Array | undefined>
  update(key: string, change: (present: Uint8Array | undefined) => Uint8Array): Promise<void>
  list(prefix: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>
  delete(key: string): Promise<void>
}

export interface MoneyStoreOptions<T> {
  /** What is kept when another tab has written the same id. @default the new one */
  readonly merge?: (present: T, next: T) => T
  /** False for what must not go, however old it is. @default everything may */
  readonly mayGo?: (movement: T) => boolean
}

/** Opened with the first question; every question throws where the browser keeps nothing, as in some private windows. */
export function openMoneyStore<T extends Kept>(
  name = 'infernet-money',
  options: MoneyStoreOptions<T> = {},
): MoneyStore<T> {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore('ledger')
        fresh.createObjectStore('movements', { keyPath: 'id' }).createIndex('at', 'at')
      },
    }))
  return { ledger: ledgerOf(open), movements: movementsOf(open, options) }
}

type Open = () => Promise<IDBPDatabase<Schema>>
/** A voucher is money: what says that it was signed must be on the disk before anybody gets it. */
const STRICT = { durability: 'strict' } as const

function ledgerOf(open: Open): LedgerEntries {
  return {
    get: async (key) => (await open()).get('ledger', key),
    async update(key, change) {
      const step = (await open()).transaction('ledger', 'readwrite', STRICT)
      try {
        await step.store.put(change(await step.store.get(key)), key)
      } catch (thrown) {
        step.abort()
        await step.done.catch(() => undefined)
        throw thrown
      }
      await step.done
    },
    async list(prefix) {
      const step = (await open()).transaction('ledger', 'readonly')
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const [keys, values] = await Promise.all([step.store.getAllKeys(range), step.store.getAll(range)])
      return keys.flatMap((key, i) => {
        const value = values[i]
        return value ? [[key, value] as const] : []
      })
    },
    async delete(key) {
      const step = (await open()).transaction('ledger', 'readwrite', STRICT)
      await step.store.delete(key)
      await step.done
    },
  }
}

function movementsOf<T extends Kept>(
  open: Open,
  { merge = (_, next) => next, mayGo = () => true }: MoneyStoreOptions<T>,
): MoneyStore<T>['movements'] {
  return {
    async list() {
      const kept = await (await open()).getAllFromIndex('movements', 'at')
      // What comes out is what `put` took in: nobody else writes this store.
      return kept.reverse() as unknown as T[]
    },
    async put(movement) {
      const change = (await open()).transaction('movements', 'readwrite', STRICT)
      const present = (await change.store.get(movement.id)) as T | undefined
      await change.store.put(present ? merge(present, movement) : movement)
      let surplus = (await change.store.count()) - MAX_MOVEMENTS
      for (
        let at = await change.store.index('at').openCursor();
        at && surplus > 0;
        at = await at.continue()
      ) {
        if (!mayGo(at.value as unknown as T)) continue
        await at.delete()
        surplus--
      }
      await change.done
    },
    async remove(id) {
      const change = (await open()).transaction('movements', 'readwrite', STRICT)
      await change.store.delete(id)
      await change.done
    },
  }
}
