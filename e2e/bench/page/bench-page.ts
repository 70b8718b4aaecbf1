import { modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import type { Path, Segment } from '#shared/peer/peer.ts'
import { createWebEngine } from '../../../web/engine/client.ts'
import { createMetronome } from '../../../web/engine/metronome.ts'
import type { Mesh } from '../../../web/mesh/mesh.ts'
import { openMesh } from '../../../web/state/services-real.ts'
import { Stopwatch, type Pace } from './stopwatch.ts'

/** A model by its manifest, and the folder of its files. */
export interface PageModel {
  readonly manifest: Manifest
  readonly baseUrl: string
}

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
  /** Loads the model on wasm and lends it. Resolves when a relay has taken the offer. */
  lend(model: PageModel): Promise<{ adapter: string; isIsolated: boolean }>
  /** An answer of the engine that is lent, read in its own tab. */
  generate(request: PageRequest): Promise<Pace>
  /** The same answer through the network. */
  ask(model: PageModel, request: PageRequest): Promise<AskedPace>
}

/** Greedy, so that the tokens are the same whoever asks: nothing but the way they travel differs. */
const GREEDY = { temperature: 0, topP: 1 } as const
const FREE = { perPromptToken: baseUnits(0n), perOutputToken: baseUnits(0n) }

/** Builds on what the shipped page builds on: its engine in a worker, its clock, its mesh. */
export function createBenchPage(): BenchPage {
  const clock = createMetronome()
  let engine: Engine | undefined
  let joined: Promise<Mesh> | undefined
  const join = (): Promise<Mesh> => (joined ??= openMesh(clock, [], { signal: new AbortController().signal }))

  return {
    async lend({ manifest, baseUrl }) {
      const started = await createWebEngine({ manifest, baseUrl, backend: 'wasm' })
      engine = started.engine
      const mesh = await join()
      await mesh.startLending()
      const provision = mesh.peer.provide(engine, { price: FREE, selfTest: started.selfTest })
      await until(provision, () => provision.offerAcceptedAt !== undefined)
      return { adapter: started.adapter, isIsolated: crossOriginIsolated }
    },

    async generate({ promptTokens, maxTokens }) {
      if (!engine) throw new Error('nothing is lent here')
      const watch = new Stopwatch()
      const request = { promptTokens, priorTokens: [], sampler: GREEDY, seed: new Uint8Array(32), maxTokens }
      for await (const { tokens } of engine.generate(request)) watch.add(tokens.length)
      return watch.pace
    },

    async ask({ manifest }, { promptTokens, maxTokens }) {
      const mesh = await join()
      await until(mesh, () => mesh.relays.some(({ state }) => state === 'up'))
      const model = modelHash(hashManifest(manifest))
      const watch = new Stopwatch()
      let segment: Segment | undefined
      const prompt = { model, promptTokens, sampler: GREEDY, maxTokens, maxOutputPrice: undefined }
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

/** Waits until a change makes it so. */
function until(source: { onChange(callback: () => void): () => void }, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return
      stop()
      resolve()
    }
    const stop = source.onChange(look)
    look()
  })
}
