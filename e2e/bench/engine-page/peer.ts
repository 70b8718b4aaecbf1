import { holdings } from '../../engine/page/probe-workers.ts'
import type { PeerMessage, PeerQuestion } from './peer-messages.ts'
import type { Side } from './side.ts'

/** transformers.js as one of the sides. */
export function createPeerSide(): Side {
  let worker: Worker | undefined

  /** One question at a time; `onTokens` hears of what comes before it is done. */
  function ask(question: PeerQuestion, onTokens?: (tokens: readonly number[]) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!worker) return reject(new Error('nothing is loaded'))
      worker.onmessage = ({ data }: MessageEvent<PeerMessage>) => {
        if (data.kind === 'tokens') onTokens?.(data.tokens)
        if (data.kind === 'done') resolve()
        if (data.kind === 'failed') reject(new Error(data.reason))
      }
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage(question)
    })
  }

  return {
    async load({ id, dtype, backend }) {
      const begun = performance.now()
      worker = new Worker(new URL('./peer-worker.ts', import.meta.url), { type: 'module', name: 'peer' })
      const models = new URL('models/', location.href).href
      await ask({ kind: 'load', models, model: { id, dtype, backend, threads: threadsOf(backend) } })
      return performance.now() - begun
    },
    async answer(request) {
      const begun = performance.now()
      let firstAt: number | undefined
      const tokens = request.prompts.map((): number[] => [])
      await ask({ kind: 'answer', request }, (step) => {
        firstAt ??= performance.now()
        for (const [row, token] of step.entries()) tokens[row]?.push(token)
      })
      firstAt ??= performance.now()
      return { tokens, firstMs: firstAt - begun, spanMs: performance.now() - firstAt }
    },
    submitMs: async () => (await holdings('peer')).submitMs,
    async close() {
      worker?.terminate()
      worker = undefined
    },
  }
}

/** As many as `web/engine/device.ts` takes. */
function threadsOf(backend: 'wasm' | 'webgpu'): number {
  if (backend === 'webgpu' || !crossOriginIsolated) return 1
  return Math.min(4, Math.max(1, Math.floor(navigator.hardwareConcurrency / 2)))
}
