import type { ModelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { Engine } from '#shared/engine/engine.ts'
import type { Segment } from '#shared/peer/peer.ts'
import type { Path } from '#shared/schedule/assignment.ts'
import { lazyServices } from '../../../web/state/shell/lazy-services.ts'
import type { Services } from '../../../web/state/shell/services.ts'
import { Stopwatch, type Pace } from './stopwatch.ts'
import { until } from './until.ts'

export interface PageRequest {
  readonly promptTokens: readonly number[]
  readonly maxTokens: number
}

export interface AskedPace extends Pace {
  readonly path: Path
  /** Round trip of the quote that came before the job: asked, priced and signed there, and back. */
  readonly quoteRttMs: number
}

/** The parts of a tab, driven from outside: plain data in and out. */
export interface BenchPage {
  /** Loads the model on wasm and provides it. Resolves when a relay has taken the offer. */
  provide(model: ModelHash): Promise<{ adapter: string; isIsolated: boolean }>
  /** An answer of the engine that is provided, read in its own tab. */
  generate(request: PageRequest): Promise<Pace>
  /** The same answer through the network. */
  ask(model: ModelHash, request: PageRequest): Promise<AskedPace>
}

/** Greedy, so that the tokens are the same whoever asks: nothing but the way they travel differs. */
const GREEDY = { temperature: 0, topP: 1 } as const
const FREE = { promptPerMillion: baseUnits(0n), outputPerMillion: baseUnits(0n) }

/** Stands on the services of the shipped page: its engine in a worker, its clock, its mesh. */
export function createBenchPage(): BenchPage {
  const services = lazyServices(window)
  const { signal } = new AbortController() // a bench is never cancelled from inside
  let engine: Engine | undefined
  let joined: ReturnType<Services['openMesh']> | undefined
  const join = (purpose: 'ask' | 'provide'): ReturnType<Services['openMesh']> =>
    (joined ??= services.openMesh({ purpose }, { signal }))

  return {
    async provide(model) {
      await services.models() // reads the manifests; only then a model is known by its hash
      const onProgress = (): void => undefined
      const started = await services.startEngine(model, { backend: 'wasm', onProgress }, { signal })
      engine = started.engine
      const mesh = await join('provide')
      await mesh.startProviding()
      const provision = mesh.peer.provide(engine, { price: FREE, selfTest: started.engine.selfTest })
      await until(provision, () => provision.offerAcceptedAt !== undefined)
      return { adapter: engine.info.adapter, isIsolated: crossOriginIsolated }
    },

    async generate({ promptTokens, maxTokens }) {
      if (!engine) throw new Error('nothing is lent here')
      const watch = new Stopwatch()
      const request = { promptTokens, priorTokens: [], sampler: GREEDY, seed: new Uint8Array(32), maxTokens }
      for await (const { tokens } of engine.generate(request)) watch.add(tokens.length)
      return watch.pace
    },

    async ask(model, { promptTokens, maxTokens }) {
      const mesh = await join('ask')
      await until(mesh, () => mesh.relays.some(({ state }) => state === 'up'))
      const watch = new Stopwatch()
      let segment: Segment | undefined
      const prompt = {
        task: 'text-generation' as const,
        model,
        promptTokens,
        sampler: GREEDY,
        maxTokens,
        maxOutputPrice: undefined,
      }
      for await (const event of mesh.peer.ask(prompt)) {
        if (event.type === 'tokens') watch.add(event.tokens.length)
        if (event.type === 'assigned') segment = event.segment
        if (event.type === 'seam') throw event.reason
      }
      if (!segment) throw new Error('nobody was assigned')
      return { ...watch.pace, path: segment.path, quoteRttMs: segment.rttMs }
    },
  }
}
