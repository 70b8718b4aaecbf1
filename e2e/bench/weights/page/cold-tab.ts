import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { fetchModel } from '#shared/models/pieces/fetch-model.ts'
import type { FetchProgress } from '#shared/models/pieces/fetch-progress.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { createWebEngine } from '../../../../web/engine/client.ts'
import { createHttpSource } from '../../../../web/engine/http-source.ts'
import { lazyServices } from '../../../../web/state/shell/lazy-services.ts'
import { openWeights } from '../../../../web/weights/open-weights.ts'
import type { WeightsClient } from '../../../../web/weights/weights-client.ts'

export interface ColdAsk {
  readonly manifest: Manifest
  /** Ends in a slash. */
  readonly origin: string
  /** Whether it joins the network and looks for seeders. */
  readonly asksPeers: boolean
}

/** Milliseconds are since the visitor asked. */
export interface ColdStart {
  readonly wholeMs: number
  /** All files were read back, and their pieces hashed once more. */
  readonly checkedMs: number
  /** The graph stands in the runtime. */
  readonly graphMs: number
  readonly readyMs: number
  readonly ttftMs: number
  readonly peerBytes: number
  readonly originBytes: number
}

/** A tab that has nothing yet, driven from outside: plain data in and out. */
export interface ColdTab {
  /** Brings a model into this browser's storage. */
  bring(ask: ColdAsk): Promise<FetchProgress>
  /** Resolves when the first byte of a download comes. */
  readonly begun: Promise<void>
  /** Brings a model, starts it on the processor, and has it read a prompt. */
  start(ask: ColdAsk, promptTokens: readonly number[]): Promise<ColdStart>
  heldBytes(manifest: Manifest): Promise<number>
  /** Held pieces whose bytes are not right. */
  countWrong(manifest: Manifest): Promise<number>
  remove(manifest: Manifest): Promise<void>
}

const GREEDY = { temperature: 0, topP: 1 } as const

/** Stands on the parts of the shipped page: its mesh, its store and its engine, each in its worker. */
export function createColdTab(): ColdTab {
  const services = lazyServices(window)
  const begun = Promise.withResolvers<void>()

  async function bring({ manifest, origin, asksPeers }: ColdAsk): Promise<FetchProgress> {
    const store = await opened()
    const origins = [{ name: 'origin', source: createHttpSource(origin) }]
    let last: FetchProgress | undefined
    const onProgress = (progress: FetchProgress): void => {
      last = progress
      if (progress.peers.bytesPerSecond + progress.origins.bytesPerSecond > 0) begun.resolve()
    }
    const withFaults = (thrown: unknown): never => {
      const faults = last?.faults.map(({ name, error }) => `${name}: ${error.message}`) ?? []
      throw new Error(`${String(thrown)} [${faults.join(', ')}]`, { cause: thrown })
    }
    if (!asksPeers) {
      const components = { store, origins, clock: realClock, random: realRandom }
      return fetchModel(components, manifest, { onProgress }).catch(withFaults)
    }
    const { signal } = new AbortController() // a bench is never cancelled from inside
    const mesh = await services.openMesh({ purpose: 'share' }, { signal })
    const seeding = await mesh.seeding()
    if (!seeding) throw new Error('this mesh hides its address')
    return seeding.fetch(manifest, { store, origins, onProgress }).catch(withFaults)
  }

  return {
    bring,
    begun: begun.promise,

    async start(ask, promptTokens) {
      const from = performance.now()
      const since = (): number => performance.now() - from
      const { peers, origins } = await bring(ask)
      const wholeMs = since()
      // No file is at this address: what it cannot read from the store it cannot load.
      const began: Partial<Record<LoadProgress['phase'], number>> = {}
      const { engine } = await createWebEngine({
        manifest: ask.manifest,
        baseUrl: '/nowhere/',
        backend: 'wasm',
        onProgress: ({ phase }) => void (began[phase] ??= since()),
      })
      const readyMs = since()
      const seed = new Uint8Array(32)
      const request = { promptTokens, priorTokens: [], sampler: GREEDY, seed, maxTokens: 1 }
      for await (const { tokens } of engine.generate(request)) if (tokens.length > 0) break
      return {
        wholeMs,
        checkedMs: began.starting ?? readyMs,
        graphMs: began.testing ?? readyMs,
        readyMs,
        ttftMs: since(),
        peerBytes: peers.bytes,
        originBytes: origins.bytes,
      }
    },

    heldBytes: async (manifest) => heldBytes(await opened(), manifest),

    async countWrong(manifest) {
      const store = await opened()
      let wrong = 0
      for (const file of manifest.files) {
        const map = await store.held(file)
        for (let piece = 0; piece < map.pieces; piece++)
          if (map.has(piece) && !(await store.read(file, piece))) wrong++
      }
      return wrong
    },

    async remove({ files }) {
      const store = await opened()
      for (const file of files) await store.remove(file)
    },
  }
}

async function opened(): Promise<WeightsClient> {
  const store = await openWeights()
  if (!store) throw new Error('this browser keeps nothing')
  return store
}
