/**
 * How an offer came: from its provider over a connection of its own, by gossip from a relay that is admitted to it, or by
 * gossip from a relay that nobody knows. The first weighs most, the last least.
 */
export const BRINGER_KINDS = ['provider', 'relay', 'stranger'] as const
export type BringerKind = (typeof BRINGER_KINDS)[number]

/** Who brought an offer, by what it costs something to have more of: names are free. */
export interface Bringer {
  readonly kind: BringerKind
  /** An address block of a provider or of an unknown relay's neighbour, or the name of an admitted relay. */
  readonly group: string
}

/** The text that stands for it as a key. */
export function keyOfBringer({ kind, group }: Bringer): string {
  return `${kind} ${group}`
}
