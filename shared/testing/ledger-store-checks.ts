import { toHex } from '../base/bytes.ts'
import type { LedgerStore } from '../settle/ledger-store.ts'

/** Throws when the store breaks the promise that it is named after. It gets a maker of empty stores. */
export type LedgerStoreCheck = (make: () => Promise<LedgerStore> | LedgerStore) => Promise<void>

/**
 * What every store of payments must do, by the promise. Plain functions without a test runner, because the store of a
 * tab can be tried in a browser alone.
 */
export const ledgerStoreChecks: Readonly<Record<string, LedgerStoreCheck>> = {
  async 'gives back what was written, and nothing for what was not or is deleted'(make) {
    const store = await make()
    expectValue(await store.get('a'), undefined)
    await store.update('a', () => bytes(1, 2))
    expectValue(await store.get('a'), bytes(1, 2))
    await store.delete('a')
    await store.delete('a')
    expectValue(await store.get('a'), undefined)
  },

  async 'lets no other update come between reading and writing'(make) {
    const store = await make()
    const increment = (present: Uint8Array | undefined): Uint8Array => bytes((present?.[0] ?? 0) + 1)
    await Promise.all(Array.from({ length: 50 }, () => store.update('count', increment)))
    expectValue(await store.get('count'), bytes(50))
  },

  async 'leaves everything as it was when the change throws, and throws the same'(make) {
    const store = await make()
    await store.update('a', () => bytes(1))
    const refusal = new Error('no')
    const thrown = await store
      .update('a', () => {
        throw refusal
      })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    if (thrown !== refusal) throw new Error(`the change’s own error did not come out: ${String(thrown)}`)
    expectValue(await store.get('a'), bytes(1))
    await store.update('a', () => bytes(2))
    expectValue(await store.get('a'), bytes(2))
  },

  async 'lists what begins so, and nothing else'(make) {
    const store = await make()
    for (const key of ['p/1', 'p/2', 'p', 'q/1', 'pp/1']) await store.update(key, () => bytes(key.length))
    const listed = (await store.list('p/')).map(([key, value]) => `${key}=${toHex(value)}`)
    expectList(listed.toSorted(), ['p/1=03', 'p/2=03'])
    expectList([...(await store.list('nothing'))].map(String), [])
    const all = (await store.list('')).map(([key]) => key)
    expectList(all.toSorted(), ['p', 'p/1', 'p/2', 'pp/1', 'q/1'])
  },
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

function expectValue(got: Uint8Array | undefined, wanted: Uint8Array | undefined): void {
  const [left, right] = [got, wanted].map((each) => each && toHex(each))
  if (left !== right) throw new Error(`expected ${right ?? 'nothing'}, got ${left ?? 'nothing'}`)
}

function expectList(got: readonly string[], wanted: readonly string[]): void {
  if (got.join() !== wanted.join()) throw new Error(`expected [${wanted.join()}], got [${got.join()}]`)
}
