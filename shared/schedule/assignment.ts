import type { Connection } from '@libp2p/interface'
import type { ReceivedQuote } from '../prompt/request-quote.ts'
import type { Offer } from './offer.ts'
import type { Prediction } from './policy/score.ts'

/**
 * How the bytes go: tab to tab, tab to tab with a TURN server between them, through a relay within its byte budget, or
 * straight to a Node peer's socket.
 */
export type Path = 'webrtc' | 'turn' | 'relayed' | 'websocket'

/** The noun of this stage: a provider that is ready to take the job, with its live quote and the way to it. */
export interface Assignment {
  readonly offer: Offer
  readonly quote: ReceivedQuote
  readonly connection: Connection
  readonly path: Path
  readonly prediction: Prediction
}
