import type { AskServices } from '../ask/services.ts'
import type { WalletServices } from '../money/money-services.ts'
import type { ModelsServices } from '../models/services.ts'
import type { ProvideServices } from '../provide/services.ts'
import type { TrustServices } from '../trust/services.ts'

/**
 * Everything that the state of the page needs from outside, in one object: the page hands in the real ones, loaded
 * when first used, and tests hand in theirs.
 */
export interface Services
  extends AskServices, ProvideServices, ModelsServices, TrustServices, WalletServices {}
