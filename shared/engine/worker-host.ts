import { errorToMessage } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { LoadProgress } from '../models/load-progress.ts'
import type { TestedEngine } from './create-engine.ts'
import type { EngineMeasure } from './engine-measure.ts'
import type { TokenBatch, TokenScore } from './engine.ts'
import type { HostPort, LoadRequest, RequestMessage, WorkerQuestion, WorkerTable } from './worker-messages.ts'

export interface HostComponents {
  /**
   * Brings the model in and starts it; the skin knows from where and on what.
   *
   * @param share how much of the time the engine may compute at this moment, (0, 1]: for its pace
   */
  load(
    request: LoadRequest,
    onProgress: (progress: LoadProgress) => void,
    share: () => number,
  ): Promise<{
    readonly engine: TestedEngine & { readonly measure?: EngineMeasure | undefined }
    readonly kept: boolean
  }>
}

type Handlers = {
  [Name in WorkerQuestion]: (body: WorkerTable[Name]['in']) => Promise<WorkerTable[Name]['out']>
}

interface OpenStream {
  readonly batches: AsyncGenerator<TokenBatch, void, void>
  readonly stop: AbortController
}

interface OpenScoring {
  readonly scores: Promise<readonly TokenScore[]>
  readonly stop: AbortController
}

/** The worker's side of {@link WorkerTable}: answers each question from one engine. */
export function createWorkerHost(port: HostPort, components: HostComponents): void {
  const streams = new Map<number, OpenStream>()
  const scorings = new Map<number, OpenScoring>()
  let lastStream = 0
  let share = 1
  let loading: Promise<TestedEngine> | undefined

  function engine(): Promise<TestedEngine> {
    return loading ?? Promise.reject(new InfernetError('engine.closed'))
  }

  function streamOf(id: number): OpenStream {
    const stream = streams.get(id)
    if (!stream) throw new InfernetError('engine.closed')
    return stream
  }

  const handlers: Handlers = {
    async load(request) {
      if (loading) throw new InfernetError('internal', { reason: 'loaded twice' })
      share = request.share ?? 1
      const loaded = components.load(
        request,
        (body) => port.postMessage({ kind: 'event', name: 'progress', body }),
        () => share,
      )
      loading = loaded.then(({ engine }) => engine)
      loading.catch(() => undefined)
      const { engine, kept } = await loaded
      void engine.lost.then((error) =>
        port.postMessage({ kind: 'event', name: 'lost', body: errorToMessage(error) }),
      )
      return { info: engine.info, selfTest: engine.selfTest, measure: engine.measure, kept }
    },
    async 'generate.open'(request) {
      const stop = new AbortController()
      const batches = (await engine()).generate(request, { signal: stop.signal })
      streams.set(++lastStream, { batches, stop })
      return { stream: lastStream }
    },
    async 'generate.next'({ stream }) {
      const { batches } = streamOf(stream)
      try {
        const { done, value } = await batches.next()
        // The place in the engine is free already; this ends the generator itself.
        if (done || value.finish) {
          streams.delete(stream)
          await batches.return()
        }
        return done ? undefined : value
      } catch (error) {
        streams.delete(stream)
        throw error
      }
    },
    async 'score.open'(request) {
      const stop = new AbortController()
      const scores = (await engine()).score(request, { signal: stop.signal })
      scores.catch(() => undefined)
      scorings.set(++lastStream, { scores, stop })
      return { stream: lastStream }
    },
    async 'score.wait'({ stream }) {
      const scoring = scorings.get(stream)
      if (!scoring) throw new InfernetError('engine.closed')
      return scoring.scores.finally(() => scorings.delete(stream))
    },
    async cancel({ stream }) {
      const open = streams.get(stream)
      const reason = new InfernetError('stream.cancelled')
      streams.delete(stream)
      scorings.get(stream)?.stop.abort(reason)
      scorings.delete(stream)
      open?.stop.abort(reason)
      await open?.batches.return()
      return undefined
    },
    async pace({ share: wanted }) {
      if (wanted > 0 && wanted <= 1) share = wanted
      return undefined
    },
    async close() {
      await (await loading?.catch(() => undefined))?.close()
      streams.clear()
      scorings.clear()
      return undefined
    },
  }

  async function answer(message: RequestMessage): Promise<void> {
    const { id } = message
    try {
      const handle = handlers[message.name] as (body: unknown) => Promise<WorkerTable[WorkerQuestion]['out']>
      port.postMessage({ kind: 'answer', id, body: await handle(message.body) })
    } catch (thrown) {
      port.postMessage({ kind: 'failure', id, error: errorToMessage(thrown) })
    }
  }

  port.onMessage((message) => {
    if (message.kind === 'request') void answer(message)
  })
}
