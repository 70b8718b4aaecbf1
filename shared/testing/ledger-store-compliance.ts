import { it } from 'vitest'
import type { LedgerStore } from '../settle/ledger-store.ts'
import { ledgerStoreChecks } from './ledger-store-checks.ts'

/** What every store of payments must do: to be called inside a `describe`, with a maker of empty stores. */
export function ledgerStoreCompliance(make: () => Promise<LedgerStore> | LedgerStore): void {
  for (const [promise, check] of Object.entries(ledgerStoreChecks)) it(promise, () => check(make))
}
