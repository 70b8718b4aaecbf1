import { MINUTE_MS } from '#shared/base/units.ts'
import type { Backend, Engine, GenerateRequest, ScoreRequest } from '#shared/engine/engine.ts'
import { halfToFloat } from '#shared/engine/score/half.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createWebEngine } from '../../../web/engine/client.ts'
import { openMeasures } from '../../../web/storage/engine-measures.ts'
import { openTrialResults } from '../../../web/storage/trial-results.ts'
import { memory, type Memory } from './memory.ts'
import { loseDevices } from './probe-workers.ts'
import { yieldToPage, type YieldInit, type Yielding } from './yield-to-page.ts'

/** A request as plain data that may cross to a page: the seed, 32 bytes, is zeros when left out. */
export interface RoomRequest extends Omit<GenerateRequest, 'seed' | 'priorTokens'> {
  readonly seed?: readonly number[]
  /** Leaves, as somebody who closes the page does, when there are that many tokens. */
  readonly leaveAfter?: number
}
export interface RoomScoreRequest extends Omit<ScoreRequest, 'seed'> {
  readonly seed?: readonly number[]
}

export interface RoomEngine {
  /** Folder below `models/`. */
  readonly id: string
  readonly dtype: string
  readonly backend: Backend
  /** Whether another engine takes over when it dies, as where somebody provides. @default false */
  readonly isStanding?: boolean
}

export interface RoomLoad {
  /** What the browser calls the adapter. */
  readonly adapter: string
  readonly loadMs: number
  /** How many requests it runs at once. */
  readonly streams: number
}

export interface RoomAnswer {
  readonly tokens: readonly number[]
  readonly finish: string | undefined
  /** From the call to the first token, and from the first to the last. */
  readonly firstMs: number
  readonly spanMs: number
}

export interface RoomScore {
  readonly margin: number
  readonly sketch: readonly number[]
}

export interface RoomLoss {
  readonly answers: readonly RoomAnswer[]
  /** The longest silence of the first answer: from the loss to the first token of the next engine. */
  readonly silenceMs: number
  /** Engines that were started, the first one included. */
  readonly starts: number
}

/** The engine of the shipped page, driven from outside: plain data in and out. */
export interface EngineRoom {
  load(engine: RoomEngine): Promise<RoomLoad>
  /** Answers, all asked for at once. */
  answer(requests: readonly RoomRequest[]): Promise<readonly RoomAnswer[]>
  /** The same, and the GPU is taken away when the first answer has that many tokens. */
  answerWithLoss(requests: readonly RoomRequest[], afterTokens: number): Promise<RoomLoss>
  score(request: RoomScoreRequest): Promise<readonly RoomScore[]>
  /** The numbers of all vectors, one after the other. */
  embed(texts: readonly (readonly number[])[]): Promise<readonly number[]>
  /** Answers that request over and over, and has a PageYield watch the frames of this page meanwhile. */
  answerWhileYielding(request: RoomRequest, init: YieldInit): Promise<Yielding>
  /** Starts an engine on the GPU with a trial of its subgroups, whose result this browser keeps, and closes it. */
  trySubgroups(engine: Pick<RoomEngine, 'id' | 'dtype'>): Promise<SubgroupResult | undefined>
  memory(): Promise<Memory>
  close(): Promise<void>
}

/** A software GPU on a busy machine may take more than the usual deadline to start. */
const PATIENCE_MS = 4 * MINUTE_MS

export function createEngineRoom(): EngineRoom {
  let engine: Engine | undefined
  let newest: WorkerEngine | undefined
  let starts = 0

  async function one(request: RoomRequest, onTokens?: (count: number) => void): Promise<RoomAnswer> {
    const begun = performance.now()
    const tokens: number[] = []
    let finish: string | undefined
    let firstAt = begun
    for await (const batch of loaded().generate({ ...withSeed(request), priorTokens: [] })) {
      if (tokens.length === 0) firstAt = performance.now()
      tokens.push(...batch.tokens)
      finish = batch.finish ?? finish
      onTokens?.(tokens.length)
      if (tokens.length >= (request.leaveAfter ?? Infinity)) break
    }
    return { tokens, finish, firstMs: firstAt - begun, spanMs: performance.now() - firstAt }
  }

  function loaded(): Engine {
    if (!engine) throw new Error('no engine is loaded')
    return engine
  }

  return {
    memory,
    async load({ id, dtype, backend, isStanding = false }) {
      const begun = performance.now()
      const { manifest, baseUrl } = await readModel(id, dtype)
      starts = 0
      const start = async (signal?: AbortSignal) => {
        starts++
        // As the page does it: on software adapters nothing is tried.
        const trial = { clock: realClock, store: openTrialResults() }
        const measures = { clock: realClock, store: openMeasures() }
        newest = (await createWebEngine({ manifest, baseUrl, backend, trial, measures }, { signal })).engine
        return newest
      }
      engine = isStanding
        ? await createStandingEngine({ clock: realClock, start }, { resumeDeadlineMs: PATIENCE_MS })
        : await start()
      const { adapter, streams } = engine.info
      return { adapter, streams, loadMs: performance.now() - begun }
    },
    answer: (requests) => Promise.all(requests.map((request) => one(request))),
    async answerWithLoss(requests, afterTokens) {
      let losing: Promise<void> | undefined
      let silenceMs = 0
      let heardAt = 0
      const first = (count: number): void => {
        const now = performance.now()
        if (losing) silenceMs = Math.max(silenceMs, now - heardAt)
        heardAt = now
        if (count >= afterTokens) losing ??= loseDevices()
      }
      const answers = await Promise.all(
        requests.map((request, i) => one(request, i === 0 ? first : undefined)),
      )
      if (!losing) throw new Error('the answer was over before the device could be lost')
      await losing
      return { answers, silenceMs, starts }
    },
    async score(request) {
      const scores = await loaded().score(withSeed(request))
      return scores.map(({ margin, sketch }) => ({ margin, sketch: Array.from(sketch, halfToFloat) }))
    },
    embed: async (texts) => [...(await loaded().embed({ texts }))],
    async answerWhileYielding(request, init) {
      let isOver = false
      const answering = (async () => {
        while (!isOver) await one(request)
      })()
      const yielding = await yieldToPage((share) => newest?.setShare(share), init)
      isOver = true
      await answering
      return yielding
    },
    async trySubgroups({ id, dtype }) {
      const trial = { clock: realClock, store: openTrialResults(), onSoftware: true }
      const model = await readModel(id, dtype)
      const tried = await createWebEngine({ ...model, backend: 'webgpu', trial })
      await tried.engine.close()
      return tried.subgroups
    },
    async close() {
      await engine?.close()
      engine = undefined
    },
  }
}

async function readModel(id: string, dtype: string) {
  const baseUrl = `models/${id}/`
  const file = await fetch(`${baseUrl}manifest.${dtype}.json`)
  return { baseUrl, manifest: parseManifest(new Uint8Array(await file.arrayBuffer())) }
}

function withSeed<Request extends { readonly seed?: readonly number[] }>(
  request: Request,
): Omit<Request, 'seed'> & { seed: Uint8Array } {
  return { ...request, seed: request.seed ? Uint8Array.from(request.seed) : new Uint8Array(32) }
}
