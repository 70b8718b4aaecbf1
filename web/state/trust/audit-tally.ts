import type { Clock } from '#shared/base/clock.ts'
import { MINUTE_MS } from '#shared/base/units.ts'
import type { Outcome } from '#shared/verify/verdict.ts'
import type { SettingsStore } from '../session/services.ts'

const LEDGER = 'audit.ledger'
const DAY_MS = 24 * 60 * MINUTE_MS

/** What the probes of a day came to; `failed` came to no verdict. */
export type AuditTally = Readonly<Record<Outcome | 'failed', number>>

const KINDS = ['agrees', 'differs', 'inconclusive', 'failed'] as const

/** The tally of today (UTC), kept over a reload. */
export function readTally(store: SettingsStore, clock: Pick<Clock, 'now'>): AuditTally {
  const [day, ...counts] =
    /^(\d{1,9}) (\d{1,9}) (\d{1,9}) (\d{1,9}) (\d{1,9})$/
      .exec(store.get(LEDGER) ?? '')
      ?.slice(1)
      .map(Number) ?? []
  const [agrees = 0, differs = 0, inconclusive = 0, failed = 0] = day === today(clock) ? counts : []
  return { agrees, differs, inconclusive, failed }
}

/** Adds one to today's, and gives what it is now. */
export function addToTally(
  store: SettingsStore,
  clock: Pick<Clock, 'now'>,
  kind: keyof AuditTally,
): AuditTally {
  const before = readTally(store, clock)
  const tally = { ...before, [kind]: before[kind] + 1 }
  store.set(LEDGER, [today(clock), ...KINDS.map((each) => tally[each])].join(' '))
  return tally
}

function today(clock: Pick<Clock, 'now'>): number {
  return Math.floor(clock.now() / DAY_MS)
}
