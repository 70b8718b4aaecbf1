import { raceSignal } from '../base/wait.ts'
import { errorFromMessage } from '../errors/error-message.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { LoadProgress } from '../models/load-progress.ts'
import type { TestedEngine } from './create-engine.ts'
import type { EngineMeasure } from './engine-measure.ts'
import type { GenerateRequest, TokenBatch } from './engine.ts'
import { stoppable } from './stoppable.ts'
import type { ClientPort, LoadRequest, WorkerQuestion, WorkerTable } from './worker-messages.ts'

export interface WorkerClientInit {
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Once a second, with the worker's monotonic milliseconds. */
  readonly onTick?: ((monotonicMs: number) => void) | undefined
  /** Ends the worker for good, after `close` or a failure. */
  readonly terminate: () => void
}

/** An engine behind a border. */
export interface WorkerEngine extends TestedEngine {
  /** What its start found out, for the next one. */
  readonly measure: EngineMeasure | undefined
  /** Whether its files stay for the next visit. */
  readonly kept: boolean
  /** How much of the time it may compute from now on, (0, 1]. */
  setShare(share: number): void
}

export interface WorkerClient {
  /**
   * Loads the model in the worker. Aborting the signal ends the worker: a load that holds the GPU cannot be asked nicely.
   *
   * @throws InfernetError everything that loading and starting throw, or the signal's reason
   */
  load(request: LoadRequest, options?: { signal?: AbortSignal | undefined }): Promise<WorkerEngine>
  /** For the skin to call when the worker crashes: every waiting question fails with `error`. */
  fail(error: Error): void
}

/** The page's side of {@link WorkerTable}. The engine it gives cannot be told from one in this thread. */
export function createWorkerClient(port: ClientPort, init: WorkerClientInit): WorkerClient {
  const waiting = new Map<number, PromiseWithResolvers<WorkerTable[WorkerQuestion]['out']>>()
  const dying = new AbortController()
  const { promise: lost, resolve: reportLost } = Promise.withResolvers<Error>()
  let lastId = 0

  function end(error: Error): void {
    if (dying.signal.aborted) return
    dying.abort(error)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    init.terminate()
  }

  function fail(error: Error): void {
    if (!dying.signal.aborted) reportLost(error)
    end(error)
  }

  function ask<Name extends WorkerQuestion>(
    name: Name,
    body: WorkerTable[Name]['in'],
  ): Promise<WorkerTable[Name]['out']> {
    if (dying.signal.aborted) return Promise.reject(dying.signal.reason as Error)
    const id = ++lastId
    const question = Promise.withResolvers<WorkerTable[WorkerQuestion]['out']>()
    waiting.set(id, question)
    // The pair of name and body is one row of the table, which TypeScript cannot see through the type parameter.
    port.postMessage({ kind: 'request', id, name, body } as Parameters<ClientPort['postMessage']>[0])
    return question.promise
  }

  port.onMessage((message) => {
    if (message.kind === 'answer') waiting.get(message.id)?.resolve(message.body)
    if (message.kind === 'failure') waiting.get(message.id)?.reject(errorFromMessage(message.error))
    if (message.kind !== 'event') waiting.delete(message.id)
    else if (message.name === 'progress') init.onProgress?.(message.body)
    else if (message.name === 'tick') init.onTick?.(message.body)
    else fail(errorFromMessage(message.body))
  })

  async function* run(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<TokenBatch, void, void> {
    signal.throwIfAborted()
    const { stream } = await ask('generate.open', request)
    let over = false
    try {
      while (!over) {
        signal.throwIfAborted()
        // The signal's own reason cannot cross the border as it is, so it is thrown on this side.
        const batch = await raceSignal(ask('generate.next', { stream }), signal)
        over = batch === undefined || batch.finish !== undefined
        if (batch) yield batch
      }
    } catch (error) {
      signal.throwIfAborted()
      over = true
      throw error
    } finally {
      const cancelled = over || dying.signal.aborted ? undefined : ask('cancel', { stream })
      await cancelled?.catch(() => undefined)
    }
  }

  async function orCancel<T>(stream: number, whole: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await raceSignal(whole, signal)
    } catch (error) {
      if (!dying.signal.aborted) await ask('cancel', { stream }).catch(() => undefined)
      throw error
    }
  }

  return {
    fail,
    async load(request, { signal } = {}) {
      try {
        const { info, selfTest, measure, kept } = await raceSignal(ask('load', request), signal)
        return {
          info,
          selfTest,
          measure,
          kept,
          lost,
          setShare: (share) => void ask('pace', { share }).catch(() => undefined),
          generate(request, { signal } = {}) {
            const stop = new AbortController()
            const signals = [stop.signal, dying.signal, ...(signal ? [signal] : [])]
            return stoppable(run(request, AbortSignal.any(signals)), stop)
          },
          async score(request, { signal } = {}) {
            signal?.throwIfAborted()
            const { stream } = await ask('score.open', request)
            return orCancel(stream, ask('score.wait', { stream }), signal)
          },
          async embed(request, { signal } = {}) {
            signal?.throwIfAborted()
            const { stream } = await ask('embed.open', request)
            return orCancel(stream, ask('embed.wait', { stream }), signal)
          },
          async close() {
            if (dying.signal.aborted) return
            const closed = ask('close', undefined)
            const error = new InfernetError('engine.closed')
            for (const [id, { reject }] of waiting) if (id !== lastId) reject(error)
            await closed.catch(() => undefined)
            end(error)
          },
        }
      } catch (error) {
        end(InfernetError.from(error, 'engine.load-failed'))
        throw error
      }
    },
  }
}
