import * as v from 'valibot'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { ModelLibrary } from '#shared/client/model-library.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { createWebEngine } from '../../engine/client.ts'
import { createHttpSource } from '../../engine/http-source.ts'
import { inspectGpu as inspect, type GpuInspection } from '../../engine/inspect-gpu.ts'
import { createMesh } from '../../mesh/create-mesh.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'
import { checkRoom } from '../../storage/model-storage.ts'
import { openMeasures } from '../../storage/engine-measures.ts'
import { openTrialResults } from '../../storage/trial-results.ts'
import type { EngineInit, StartedEngine } from '../provide/services.ts'
import { relayAddressOf, underPage } from './address.ts'

const infoSchema = v.pick(networkInfoSchema, ['peerId', 'relays', 'isAnnounced', 'otherRelays', 'iceServers'])

const library = new ModelLibrary({
  source: (baseUrl) => createHttpSource(underPage(baseUrl)),
  digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
})

export { askText } from '#shared/client/ask-text.ts'
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
  const info = v.safeParse(
    infoSchema,
    await fetchJson(underPage('/network.json'), signal).catch(() => undefined),
  )
  if (!info.success && relays.length === 0) throw new InfernetError('schedule.no-relay')
  const { otherRelays = [], iceServers = [] } = info.success ? info.output : {}
  const own = info.success ? ownRelay(info.output) : []
  return createMesh(
    { clock },
    {
      ...init,
      relays: [...new Set([...relays, ...own, ...otherRelays])],
      iceServers: iceServers as RTCIceServer[],
    },
  )
}

/** One address of the relay that served the page; its other names would only be the same again. */
function ownRelay({ relays, isAnnounced, peerId }: v.InferOutput<typeof infoSchema>): readonly string[] {
  if (isAnnounced) return relays.slice(0, 1)
  // Unannounced it only guesses, and a proxy may have changed what it sees: we know where we are.
  return [relayAddressOf(document.baseURI, peerId)]
}

export const models = () => library.list()
export const loadTokenizer = library.tokenizer

export async function inspectGpu(model: ModelHash | undefined): Promise<GpuInspection> {
  return inspect(model && library.find(model)?.manifest)
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
  const { entry, manifest } = library.get(model)
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
            baseUrl: underPage(entry.baseUrl),
            backend: wanted,
            share,
            trial: { clock, store: trialResults },
            measures: { clock, store: measures },
            onProgress,
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

async function fetchJson(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(path, { signal, cache: 'no-store' })
  if (!response.ok) throw new InfernetError('schedule.no-relay')
  return response.json()
}
