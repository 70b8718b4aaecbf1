import * as v from 'valibot'
import type { ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis, Tokens } from '../base/units.ts'
import type { Backend } from '../engine/engine.ts'
import type { Price } from '../prompt/prompt.ts'

/** What runs the model: a browser's tab, or a Node process. */
export type ProviderKind = 'tab' | 'node'

/** "I serve this model at this price until then", signed by who serves. A relay can hide one, never forge one. */
export interface Offer {
  readonly provider: PeerName
  readonly model: ModelHash
  readonly kind: ProviderKind
  readonly backend: Backend
  /** What the provider says of its adapter; shown as its word, never as a fact. */
  readonly adapter: string
  readonly price: Price
  readonly contextLength: Tokens
  /** How many jobs it runs at once, and how many of these places are taken. */
  readonly slots: number
  readonly busySlots: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** Golden tokens that came out right in the self-test on this device, of how many. */
  readonly selfTest: { readonly right: number; readonly total: number }
  /** Multiaddrs to dial, best first. */
  readonly addresses: readonly string[]
  /** Rises with each renewal, so that an old offer cannot be replayed. */
  readonly sequence: number
  readonly issuedAt: EpochMillis
  /** At most 60 s after `issuedAt`. */
  readonly expiresAt: EpochMillis
}

export const providerKindSchema = v.picklist(['tab', 'node'])
