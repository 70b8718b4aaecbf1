import * as v from 'valibot'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { createTextStream } from '#shared/engine/tokenizer/text-stream.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { CATALOGUE, type CatalogueEntry } from '#shared/models/catalogue.ts'
import { loadModel } from '#shared/models/load-model.ts'
import { hashManifest, manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import { CHAT_TEMPLATE_PATH, readChatTemplate, readJson } from '#shared/models/model-files.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { listPriceOf } from '#shared/settle/compute-units.ts'
import { createWebEngine } from '../../engine/client.ts'
import { createHttpSource } from '../../engine/http-source.ts'
import { inspectGpu as inspect } from '../../engine/inspect-gpu.ts'
import { createMesh } from '../../mesh/create-mesh.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'
import { checkRoom } from '../../storage/model-storage.ts'
import { openMeasures } from '../../storage/engine-measures.ts'
import { openTrialResults } from '../../storage/trial-results.ts'
import { defaultsOf } from './model-defaults.ts'
import type { EngineInit, GpuReport, LoadPhase, StartedEngine } from '../provide/services.ts'
import type { ModelChoice } from '../session/services.ts'
import type { Tokenizer } from '../ask/services.ts'

const infoSchema = v.pick(networkInfoSchema, ['relays', 'otherRelays', 'iceServers'])

/** The models of the catalogue whose manifest could be read, by their real name. */
const known = new Map<ModelHash, { readonly entry: CatalogueEntry; readonly manifest: Manifest }>()

export { providingName } from '../../mesh/identity.ts'

/**
 * Joins the network through the relay that served the page.
 *
 * @param init `relays` are multiaddrs that the visitor brought, tried first
 */
export async function openMesh(
  clock: Clock,
  { relays, ...init }: Pick<MeshInit, 'relays' | 'purpose' | 'hidesAddress'>,
  { signal }: { signal: AbortSignal },
): Promise<Mesh> {
  const info = v.safeParse(infoSchema, await fetchJson('/network.json', signal).catch(() => undefined))
  if (!info.success && relays.length === 0) throw new InfernetError('schedule.no-relay')
  const { relays: own = [], otherRelays = [], iceServers = [] } = info.success ? info.output : {}
  return createMesh(
    { clock },
    {
      ...init,
      // The first address is this relay under the name of the page; its other names would only be the same again.
      relays: [...new Set([...relays, ...own.slice(0, 1), ...otherRelays])],
      iceServers: iceServers as RTCIceServer[],
    },
  )
}

export async function models(): Promise<readonly ModelChoice[]> {
  const found = await Promise.allSettled(CATALOGUE.map(readEntry))
  const choices = found.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  if (choices.length === 0) throw InfernetError.from(firstReason(found), 'models.unavailable')
  return choices
}

export async function loadTokenizer(
  model: ModelHash,
  { signal }: { signal: AbortSignal },
): Promise<Tokenizer> {
  const { entry, manifest } = entryOf(model)
  const wanted = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json']
  const files = await loadModel(
    {
      source: createHttpSource(absolute(entry.baseUrl)),
      cache: undefined,
      digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
    },
    {
      ...manifest,
      files: manifest.files.filter(({ path }) => wanted.includes(path) || path === CHAT_TEMPLATE_PATH),
    },
    { signal },
  )
  const [tokenizerJson, tokenizerConfig, generationConfig] = await Promise.all(
    wanted.map((path) => readJson(files, path)),
  )
  if (!tokenizerJson || !tokenizerConfig || !generationConfig) throw new InfernetError('models.unsupported')
  const { contextLength = manifest.contextLength } = defaultsOf(manifest)
  const chat = createChatTokenizer({
    tokenizerJson,
    tokenizerConfig,
    generationConfig,
    contextLength,
    chatTemplate: await readChatTemplate(files),
  })
  return {
    eosTokens: [...chat.eosTokens],
    reasoning: chat.reasoning,
    fitChat: (messages, options) => chat.fitChat(messages, options),
    openText() {
      const stream = createTextStream(chat)
      return { push: (tokens) => stream.push(tokens), end: () => stream.flush() }
    },
  }
}

export async function inspectGpu(model: ModelHash | undefined): Promise<GpuReport> {
  const gpu = await inspect(model && known.get(model)?.manifest)
  return {
    adapter: gpu.label ?? '',
    shaderF16: gpu.halfPrecision,
    software: gpu.software,
    maxBufferBytes: gpu.largestBufferBytes,
    problem: gpu.problem,
  }
}

const trialResults = openTrialResults()
const measures = openMeasures()

/** Starts an engine that is started again when it dies, on what it ran on before. */
export async function startEngine(
  clock: Clock,
  model: ModelHash,
  { backend, share: firstShare = 1, onProgress }: EngineInit,
  { signal }: { signal: AbortSignal },
): Promise<StartedEngine> {
  const { entry, manifest } = entryOf(model)
  await checkRoom(manifest.files)
  signal.throwIfAborted()
  let share = firstShare
  let wanted = backend
  let fellBackFrom: InfernetError | undefined
  let subgroups: SubgroupResult | undefined
  let newest: WorkerEngine | undefined
  const engine = await createStandingEngine(
    {
      clock,
      async start(life) {
        const started = await createWebEngine(
          {
            manifest,
            baseUrl: entry.baseUrl,
            backend: wanted,
            share,
            trial: { clock, store: trialResults },
            measures: { clock, store: measures },
            onProgress: ({ phase, loadedBytes, totalBytes }) =>
              onProgress({ phase: PHASES[phase], loadedBytes, totalBytes }),
          },
          { signal: life },
        )
        fellBackFrom ??= started.fellBackFrom
        subgroups = started.subgroups
        wanted = started.engine.info.backend
        newest = started.engine
        return newest
      },
    },
    {},
    { signal },
  )
  return {
    engine,
    fellBackFrom,
    get subgroups() {
      return subgroups
    },
    setShare(wantedShare) {
      share = wantedShare
      newest?.setShare(share)
    },
  }
}

const PHASES: Readonly<Record<'checking' | 'downloading' | 'starting' | 'testing', LoadPhase>> = {
  checking: 'checking',
  downloading: 'downloading',
  starting: 'loading',
  testing: 'self-testing',
}

async function readEntry(entry: CatalogueEntry): Promise<ModelChoice> {
  const path = entry.manifests[entry.dtype]
  if (path === undefined) throw new InfernetError('models.unavailable', { path: entry.id })
  const manifest = parseManifest(await fetchBytes(new URL(path, absolute(entry.baseUrl)).href), path)
  const model = hashManifest(manifest)
  known.set(model, { entry, manifest })
  const defaults = defaultsOf(manifest)
  return {
    model,
    name: entry.name,
    note: entry.description,
    contextLength: defaults.contextLength ?? manifest.contextLength,
    answerTokens: defaults.answerTokens,
    sampler: defaults.sampler,
    bytes: manifestBytes(manifest),
    suggestedPrice: listPriceOf(manifest),
    examples: defaults.examples,
  }
}

function entryOf(model: ModelHash) {
  const found = known.get(model)
  if (!found) throw new InfernetError('models.unknown')
  return found
}

async function fetchJson(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(path, { signal, cache: 'no-store' })
  if (!response.ok) throw new InfernetError('schedule.no-relay')
  return response.json()
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new InfernetError('models.unavailable', { path: nameOf(url), status: 'no answer' }, { cause })
  })
  if (!response.ok)
    throw new InfernetError('models.unavailable', { path: nameOf(url), status: response.status })
  return new Uint8Array(await response.arrayBuffer())
}

function nameOf(url: string): string {
  return url.split('/').at(-1) ?? url
}

function absolute(baseUrl: string): string {
  return new URL(baseUrl, document.baseURI).href
}

function firstReason(results: readonly PromiseSettledResult<unknown>[]): unknown {
  return results.find((result) => result.status === 'rejected')?.reason
}
