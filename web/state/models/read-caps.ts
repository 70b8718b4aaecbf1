import type { SettingsStore } from '../session/services.ts'

const MB = 1e6
const GB = 1e9
/** More than any browser gives and any line carries. */
const MOST = 1_000_000

/** The limits that a visitor may set: under which name each is kept, and in which unit it is typed. */
export const CAPS = {
  /** To all peers together, in a second. */
  uploadRate: { name: 'models.upload-rate', unit: MB },
  /** To each peer, in a day. */
  uploadBudget: { name: 'models.upload-budget', unit: GB },
  /** What models take here. */
  storage: { name: 'models.storage', unit: GB },
} as const

/** A limit as it was typed, in bytes; undefined for none, and for what is no number. */
export function capBytes(typed: string | undefined, unit: number): number | undefined {
  if (typed === undefined || !/^\d+(?:[.,]\d+)?$/.test(typed)) return undefined
  const number = Number(typed.replace(',', '.'))
  return number <= MOST ? Math.round(number * unit) : undefined
}

/** The limit that stands now, in bytes. */
export function readCap(settings: SettingsStore, cap: keyof typeof CAPS): number | undefined {
  const { name, unit } = CAPS[cap]
  return capBytes(settings.get(name), unit)
}
