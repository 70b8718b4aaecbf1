/** The tab's model files, bare, in a real browser: what a test asks of them. */
import { createWorkerClient } from '#shared/engine/worker-client.ts'
import type { EventMessage, ResponseMessage } from '#shared/engine/worker-messages.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import { pieceStoreChecks } from '#shared/testing/piece-store-checks.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createHttpSource } from '../../../web/engine/http-source.ts'
import { bringModel } from '../../../web/weights/bring-model.ts'
import { openKeptModels } from '../../../web/weights/kept-models.ts'
import { openWeights } from '../../../web/weights/open-weights.ts'
import type { WeightsClient } from '../../../web/weights/weights-client.ts'
import type { Allocated } from './counting-worker.ts'

const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', bytes)

async function opened(): Promise<WeightsClient> {
  const weights = await openWeights()
  if (!weights) throw new Error('this browser keeps nothing')
  return weights
}

async function empty(): Promise<WeightsClient> {
  const weights = await opened()
  for (const file of await weights.list()) await weights.remove(file)
  return weights
}

export const weightsRoom = {
  /** What was broken of each promise; empty where it was kept. */
  async complies(): Promise<Readonly<Record<string, string>>> {
    const broken: Record<string, string> = {}
    for (const [promise, check] of Object.entries(pieceStoreChecks))
      broken[promise] = await check(empty, digest).then(() => '', String)
    await empty()
    return broken
  },

  /** Brings a model and uses it from then on; gives the code that it failed with. */
  async bring(manifest: Manifest, origin: string): Promise<string> {
    try {
      const brought = await bringModel({ clock: realClock, origins: [createHttpSource(origin)] }, manifest)
      return brought ? '' : 'not kept'
    } catch (thrown) {
      return InfernetError.from(thrown).code
    }
  },

  async heldBytes(manifest: Manifest): Promise<number> {
    return heldBytes(await opened(), manifest)
  },

  /** Held pieces whose bytes are not right: those are told as held no longer. */
  async countWrong(manifest: Manifest): Promise<number> {
    const weights = await opened()
    let wrong = 0
    for (const file of manifest.files) {
      const map = await weights.held(file)
      for (let piece = 0; piece < map.pieces; piece++)
        if (map.has(piece) && !(await weights.read(file, piece))) wrong++
    }
    return wrong
  },

  /** What an eviction goes by. */
  kept: () => openKeptModels().list(),

  /** The code that it was refused with. */
  async remove(manifest: Manifest): Promise<string> {
    try {
      const weights = await opened()
      for (const file of manifest.files) await weights.remove(file)
      return ''
    } catch (thrown) {
      return InfernetError.from(thrown).code
    }
  },

  /** A beginning of a file, as pages left it that knew of no pieces. */
  async leaveBeginning(name: string, bytes: readonly number[], repeat: number): Promise<void> {
    const folder = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle('models', { create: true })
    const writable = await (await folder.getFileHandle(name, { create: true })).createWritable()
    const part = Uint8Array.from(bytes)
    for (let i = 0; i < repeat; i++) await writable.write(part)
    await writable.close()
  },

  /** Starts the engine from what is kept, in a worker that counts what JavaScript allocates. */
  async load(
    manifest: Manifest,
  ): Promise<Allocated & { readonly kept: boolean; readonly tokens: readonly number[] }> {
    const worker = new Worker(new URL('./counting-worker.ts', import.meta.url), { type: 'module' })
    const counted = Promise.withResolvers<Allocated>()
    const client = createWorkerClient(
      {
        postMessage: (message) => worker.postMessage(message),
        onMessage: (listener) =>
          worker.addEventListener(
            'message',
            ({ data }: MessageEvent<ResponseMessage | EventMessage | Allocated>) => {
              if (data.kind === 'allocated') counted.resolve(data)
              else listener(data)
            },
          ),
      },
      { terminate: () => worker.terminate() },
    )
    worker.addEventListener('error', (event) => client.fail(new Error(event.message)))
    // No file is at this address: what it cannot read from the store it cannot load.
    const source = new URL('/nowhere/', document.baseURI).href
    const engine = await client.load({ manifest, source, backend: 'wasm', maxStreams: 1 })
    const tokens: number[] = []
    const request = {
      promptTokens: [1, 5, 9],
      priorTokens: [],
      sampler: { temperature: 0, topP: 1, topK: 0 },
      seed: new Uint8Array(32),
      maxTokens: 4,
    }
    for await (const batch of engine.generate(request)) tokens.push(...batch.tokens)
    const { kept } = engine
    await engine.close()
    return { ...(await counted.promise), kept, tokens }
  },
}
