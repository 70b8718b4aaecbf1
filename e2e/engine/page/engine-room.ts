import type { Backend, GenerateRequest } from '#shared/engine/engine.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { createWebEngine, type WebEngine } from '../../../web/engine/client.ts'
import { holdings, loseDevices } from './probe-workers.ts'
import type { Holdings } from './probe.ts'

/** A request as plain data that may cross to a page. */
export interface RoomRequest extends Omit<GenerateRequest, 'seed' | 'priorTokens'> {
  /** 32 bytes, by default zeros. */
  readonly seed?: readonly number[]
}

export interface RoomEngine {
  readonly id: string
  readonly dtype: string
  readonly backend: Backend
}

export interface RoomAnswer {
  readonly tokens: readonly number[]
  readonly finish: string | undefined
  /** From the call to the first token, and from the first to the last. */
  readonly firstMs: number
  readonly spanMs: number
}

/** The engine of the shipped page, driven from outside: plain data in and out. */
export interface EngineRoom {
  /** Resolves with what the browser calls the adapter, and how long it took. */
  load(engine: RoomEngine): Promise<{ readonly adapter: string; readonly loadMs: number }>
  /** Answers, all asked for at once. `onTokens` hears of each batch. */
  answer(requests: readonly RoomRequest[]): Promise<RoomAnswer[]>
  /** The same, and the GPU is taken away when the first answer has that many tokens. */
  answerWithLoss(requests: readonly RoomRequest[], afterTokens: number): Promise<RoomAnswer[]>
  holdings(): Promise<Holdings>
  close(): Promise<void>
}

export function createEngineRoom(): EngineRoom {
  let loaded: WebEngine | undefined

  async function one(request: RoomRequest, onTokens: (count: number) => void): Promise<RoomAnswer> {
    if (!loaded) throw new Error('no engine is loaded')
    const begun = performance.now()
    const seed = Uint8Array.from(request.seed ?? new Uint8Array(32))
    const tokens: number[] = []
    let finish: string | undefined
    let firstAt = begun
    for await (const batch of loaded.engine.generate({ ...request, seed, priorTokens: [] })) {
      if (tokens.length === 0) firstAt = performance.now()
      tokens.push(...batch.tokens)
      finish = batch.finish ?? finish
      onTokens(tokens.length)
    }
    return { tokens, finish, firstMs: firstAt - begun, spanMs: performance.now() - firstAt }
  }

  const nothing = (): void => undefined
  return {
    holdings,
    async load({ id, dtype, backend }) {
      const begun = performance.now()
      const baseUrl = `models/${id}/`
      const file = await fetch(`${baseUrl}manifest.${dtype}.json`)
      const manifest = parseManifest(new Uint8Array(await file.arrayBuffer()))
      loaded = await createWebEngine({ manifest, baseUrl, backend })
      return { adapter: loaded.adapter, loadMs: performance.now() - begun }
    },
    answer: (requests) => Promise.all(requests.map((request) => one(request, nothing))),
    async answerWithLoss(requests, afterTokens) {
      let losing: Promise<void> | undefined
      const answers = await Promise.all(
        requests.map((request, i) =>
          one(request, (count) => {
            if (i === 0 && count >= afterTokens) losing ??= loseDevices()
          }),
        ),
      )
      if (!losing) throw new Error('the answers were over before the device could be lost')
      await losing
      return answers
    },
    async close() {
      await loaded?.engine.close()
      loaded = undefined
    },
  }
}
