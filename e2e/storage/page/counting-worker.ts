/** The engine's own worker, with a count of what JavaScript allocates while a model is loaded. */
import { allocatedBytes, largestBytes } from './count-allocations.ts'
import '../../../web/engine/worker.ts'
import type { EventMessage } from '#shared/engine/worker-messages.ts'

export interface Allocated {
  readonly kind: 'allocated'
  /** Made from the beginning of the load until the graph was started, given back or not. */
  readonly bytes: number
  /** Of that while files were hashed as wholes, before the first of them was read. */
  readonly checkingBytes: number
  readonly largest: number
}

const scope = globalThis as unknown as { postMessage(message: unknown): void }
const post = scope.postMessage.bind(scope)
let before: number | undefined
let checked: number | undefined
scope.postMessage = (message: Partial<EventMessage>) => {
  if (message.kind === 'event' && message.name === 'progress') {
    const { phase } = message.body as { phase: string }
    if (phase === 'checking' || phase === 'starting') before ??= allocatedBytes()
    if (phase === 'starting') checked ??= allocatedBytes()
    if (phase === 'testing')
      post({
        kind: 'allocated',
        bytes: allocatedBytes() - (before ?? 0),
        checkingBytes: (checked ?? 0) - (before ?? 0),
        largest: largestBytes(),
      } satisfies Allocated)
  }
  post(message)
}
