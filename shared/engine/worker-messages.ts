import type { ErrorMessage } from '../errors/error-message.ts'
import type { LoadProgress } from '../models/load-progress.ts'
import type { Manifest } from '../models/manifest.ts'
import type {
  Backend,
  EmbedRequest,
  EngineInfo,
  GenerateRequest,
  ScoreRequest,
  TokenBatch,
  TokenScore,
} from './engine.ts'
import type { EngineMeasure } from './engine-measure.ts'
import type { SelfTest } from './self-test.ts'

/** What a worker is asked to load. */
export interface LoadRequest {
  readonly manifest: Manifest
  /** Where the files lie: a base URL that ends in a slash in a tab, a folder in Node. */
  readonly source: string
  /** Where else they lie, the best first, for when one of them fails. @default nowhere */
  readonly otherSources?: readonly string[] | undefined
  readonly backend: Backend
  /** As in `GpuInit`. */
  readonly subgroups?: boolean | undefined
  /** As in `EngineInit`. */
  readonly maxStreams?: number | undefined
  readonly maxWaiting?: number | undefined
  readonly known?: EngineMeasure | undefined
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number | undefined
}

interface LoadAnswer {
  readonly info: EngineInfo
  readonly selfTest: SelfTest
  /** What this start found out, or was known before it. */
  readonly measure?: EngineMeasure | undefined
  /** False when the files could not be kept for the next visit. */
  readonly kept: boolean
}

/**
 * Everything that is asked across the worker's border, one row a question.
 *
 * An answer stream is pulled: `generate.open` names it, each `generate.next` gets one batch (undefined: it is over), so
 * the consumer sets the pace and nothing piles up in between. A scoring is named likewise, and an embedding, so that it
 * can be cancelled.
 */
export interface WorkerTable {
  load: { in: LoadRequest; out: LoadAnswer }
  'generate.open': { in: GenerateRequest; out: { readonly stream: number } }
  'generate.next': { in: { readonly stream: number }; out: TokenBatch | undefined }
  'score.open': { in: ScoreRequest; out: { readonly stream: number } }
  'score.wait': { in: { readonly stream: number }; out: readonly TokenScore[] }
  'embed.open': { in: EmbedRequest; out: { readonly stream: number } }
  'embed.wait': { in: { readonly stream: number }; out: Float32Array }
  /** Ends an answer, a scoring or an embedding. */
  cancel: { in: { readonly stream: number }; out: undefined }
  /** How much of the time the engine may compute from now on, (0, 1]. */
  pace: { in: { readonly share: number }; out: undefined }
  close: { in: undefined; out: undefined }
}
export type WorkerQuestion = keyof WorkerTable

/** What the worker tells without being asked. */
interface WorkerEvents {
  progress: LoadProgress
  /** The engine died by itself. */
  lost: ErrorMessage
  /** Once a second, with the worker's monotonic milliseconds: main-thread timers of a hidden tab stand still. */
  tick: number
}
type WorkerEvent = keyof WorkerEvents

export type RequestMessage = {
  [Name in WorkerQuestion]: {
    readonly kind: 'request'
    readonly id: number
    readonly name: Name
    readonly body: WorkerTable[Name]['in']
  }
}[WorkerQuestion]

export type ResponseMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly body: WorkerTable[WorkerQuestion]['out'] }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ErrorMessage }

export type EventMessage = {
  [Name in WorkerEvent]: { readonly kind: 'event'; readonly name: Name; readonly body: WorkerEvents[Name] }
}[WorkerEvent]

/** One end of a channel of structured clones: a Worker, a worker's own scope, a MessagePort. */
interface Port<In, Out> {
  postMessage(message: Out): void
  onMessage(listener: (message: In) => void): void
}
export type ClientPort = Port<ResponseMessage | EventMessage, RequestMessage>
export type HostPort = Port<RequestMessage, ResponseMessage | EventMessage>
