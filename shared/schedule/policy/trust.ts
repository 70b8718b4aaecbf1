import type { PeerName } from '../../base/ids.ts'

/** What a consumer holds of providers. The policy asks; who answers is injected. */
export interface Trust {
  /** 0 to 1; 1 for one of whom nothing bad is known. */
  trustIn(provider: PeerName): number
  /** What this provider's predictions are multiplied with, at least 1. */
  slownessOf(provider: PeerName): number
}
