import { expect, it } from 'vitest'
import type { LedgerStore } from '../settle/ledger-store.ts'

/** What every store of payments must do: to be called inside a `describe`, with a maker of empty stores. */
export function ledgerStoreCompliance(make: () => Promise<LedgerStore> | LedgerStore): void {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

  it('gives back what was written, and nothing for what was not or is deleted', async () => {
    const store = await make()
    expect(await store.get('a')).toBeUndefined()
    await store.update('a', () => bytes(1, 2))
    expect(await store.get('a')).toEqual(bytes(1, 2))
    await store.delete('a')
    await store.delete('a')
    expect(await store.get('a')).toBeUndefined()
  })

  it('lets no other update come between reading and writing', async () => {
    const store = await make()
    const increment = (present: Uint8Array | undefined): Uint8Array => bytes((present?.[0] ?? 0) + 1)
    await Promise.all(Array.from({ length: 50 }, () => store.update('count', increment)))
    expect(await store.get('count')).toEqual(bytes(50))
  })

  it('leaves everything as it was when the change throws, and throws the same', async () => {
    const store = await make()
    await store.update('a', () => bytes(1))
    const refusal = new Error('no')
    const refused = store.update('a', () => {
      throw refusal
    })
    await expect(refused).rejects.toBe(refusal)
    expect(await store.get('a')).toEqual(bytes(1))
    await store.update('a', () => bytes(2))
    expect(await store.get('a')).toEqual(bytes(2))
  })

  it('lists what begins so, and nothing else', async () => {
    const store = await make()
    for (const key of ['p/1', 'p/2', 'p', 'q/1', 'pp/1']) await store.update(key, () => bytes(key.length))
    const listed = await store.list('p/')
    expect(listed.map(([key]) => key).sort()).toEqual(['p/1', 'p/2'])
    expect(await store.list('nothing')).toEqual([])
    expect(await store.list('')).toHaveLength(5)
  })
}
