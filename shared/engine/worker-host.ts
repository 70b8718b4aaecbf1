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

/** Something that is waited for as a whole: a scoring, or an embedding. */
interface OpenWait<T> {
  readonly whole: Promise<T>
  readonly stop: AbortController
}

/** The worker's side of {@link WorkerTable}: answers each question from one engine. */
export function createWorkerHost(port: HostPort, components: HostComponents): void {
  const streams = new Map<number, OpenStream>()
  const scorings = new Map<number, OpenWait<readonly TokenScore[]>>()
  const embeddings = new Map<number, OpenWait<Float32Array>>()
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

  async function open<T>(
    waits: Map<number, OpenWait<T>>,
    ask: (engine: TestedEngine, signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly stream: number }> {
    const stop = new AbortController()
    const whole = ask(await engine(), stop.signal)
    whole.catch(() => undefined)
    waits.set(++lastStream, { whole, stop })
    return { stream: lastStream }
  }

  async function wait<T>(waits: Map<number, OpenWait<T>>, stream: number): Promise<T> {
    const found = waits.get(stream)
    if (!found) throw new InfernetError('engine.closed')
    return found.whole.finally(() => waits.delete(stream))
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
    'score.open': (request) => open(scorings, (engine, signal) => engine.score(request, { signal })),
    'score.wait': ({ stream }) => wait(scorings, stream),
    'embed.open': (request) => open(embeddings, (engine, signal) => engine.embed(request, { signal })),
    'embed.wait': ({ stream }) => wait(embeddings, stream),
    async cancel({ stream }) {
      const open = streams.get(stream)
      const reason = new InfernetError('stream.cancelled')
      streams.delete(stream)
      for (const waits of [scorings, embeddings]) {
        waits.get(stream)?.stop.abort(reason)
        waits.delete(stream)
      }
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
      for (const open of [streams, scorings, embeddings]) open.clear()
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
