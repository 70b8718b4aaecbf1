import * as v from 'valibot'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { ModelLibrary, type ModelList } from '#shared/client/model-library.ts'
import { memoryNeeds, roughNeeds } from '#shared/engine/fit.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { usualPrecision } from '#shared/models/catalogue/entry.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { createWebEngine } from '../../engine/client.ts'
import { createHttpSource } from '../../engine/http-source.ts'
import { fitsDevice, inspectGpu as inspect, type GpuInspection } from '../../engine/inspect-gpu.ts'
import { createMesh } from '../../mesh/create-mesh.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'
import { openOwnModels } from '../../storage/own-models.ts'
import { openMeasures } from '../../storage/engine-measures.ts'
import { openTrialResults } from '../../storage/trial-results.ts'
import { bringModel } from '../../weights/bring-model.ts'
import { openKeptModels } from '../../weights/kept-models.ts'
import { openWeights } from '../../weights/open-weights.ts'
import { createWebLocks } from '../../weights/web-locks.ts'
import { keptSource } from '../../weights/kept-source.ts'
import type { ModelsHome } from '../models/services.ts'
import type { EngineInit, StartedEngine } from '../session/services.ts'
import { relayAddressOf, underPage } from './address.ts'
import { LibraryHome } from './library-home.ts'
import { readLists } from './catalogue-lists.ts'
import type { RelayClock } from './relay-clock.ts'

const infoSchema = v.pick(networkInfoSchema, ['peerId', 'relays', 'isAnnounced', 'otherRelays', 'iceServers'])
type MeshInfo = v.InferOutput<typeof infoSchema>

/** A kilobyte from whoever served the page; one that says nothing for this long is taken for down. */
const NETWORK_INFO_DEADLINE_MS = 8 * SECOND_MS

const ownModels = openOwnModels()

const library = new ModelLibrary({
  source: (folder, files) => keptSource(files, createHttpSource(underPage(folder))),
  digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
})

export { askLocally } from '#shared/client/ask-locally.ts'
export { askText } from '#shared/client/ask-text.ts'
export { providingName } from '../../mesh/identity.ts'

/**
 * Joins the network through the relay that served the page.
 *
 * @param init `relays` are multiaddrs that the visitor brought, tried first
 */
export async function openMesh(
  clock: RelayClock,
  { relays, ...init }: Pick<MeshInit, 'relays' | 'purpose' | 'hidesAddress'>,
  { signal }: { signal: AbortSignal },
): Promise<Mesh> {
  const info = await readNetworkInfo(clock, { signal }).catch((thrown: unknown) => {
    if (relays.length === 0) throw thrown
    return undefined
  })
  return createMesh(
    { clock },
    {
      ...init,
      relays: relaysIn(info, relays),
      readRelays: async (options) => relaysIn(await readNetworkInfo(clock, options), relays),
      iceServers: (info?.iceServers ?? []) as RTCIceServer[],
    },
  )
}

function relaysIn(info: MeshInfo | undefined, brought: readonly string[]): readonly string[] {
  return [...new Set([...brought, ...(info ? ownRelay(info) : []), ...(info?.otherRelays ?? [])])]
}

/** One address of the relay that served the page; its other names would only be the same again. */
function ownRelay({ relays, isAnnounced, peerId }: MeshInfo): readonly string[] {
  if (isAnnounced) return relays.slice(0, 1)
  // Unannounced it only guesses, and a proxy may have changed what it sees: we know where we are.
  return [relayAddressOf(document.baseURI, peerId)]
}

/**
 * What the relay that served the page says of the network now, and of the time.
 *
 * @throws InfernetError `schedule.no-relay`
 */
export async function readNetworkInfo(
  clock: RelayClock,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<MeshInfo> {
  const late = (): Error => new InfernetError('schedule.no-relay')
  const ask = async (own: AbortSignal): Promise<unknown> => {
    const sentAt = clock.monotonic()
    const response = await fetch(underPage('/network.json'), { signal: own, cache: 'no-store' })
    clock.hear(response.headers, sentAt)
    return response.ok ? response.json() : undefined
  }
  try {
    const read = await withDeadline(clock, millis(NETWORK_INFO_DEADLINE_MS), late, ask, { signal })
    return v.parse(infoSchema, read)
  } catch (thrown) {
    signal?.throwIfAborted()
    throw new InfernetError('schedule.no-relay', undefined, { cause: thrown })
  }
}

export async function models(clock: Clock): Promise<ModelList> {
  return library.list(await readLists(clock, ownModels))
}
export const loadTokenizer = library.tokenizer

let home: LibraryHome | undefined

/** Undefined where this browser keeps nothing for this page. */
export async function openModels(clock: Clock): Promise<ModelsHome | undefined> {
  const store = await openWeights()
  if (!store) return undefined
  return (home ??= new LibraryHome({
    clock,
    list: () => models(clock),
    get: (model) => library.get(model),
    store,
    kept: openKeptModels(),
    locks: createWebLocks(),
  }))
}

export async function inspectGpu(model: ModelHash | undefined): Promise<GpuInspection> {
  return inspect(model && library.find(model)?.manifest)
}

/** Whether all of the model is on this device. */
export async function modelIsHere(model: ModelHash): Promise<boolean> {
  const known = library.find(model)
  const store = await openWeights()
  if (!known || !store) return false
  return (await heldBytes(store, known.manifest)) === manifestBytes(known.manifest)
}

/** By the limits of the GPU where there is a real one, else by what the processor's heap holds. */
export async function fitsHere({ choices, proposals }: ModelList): Promise<ReadonlyMap<string, boolean>> {
  const gpu = await inspect()
  const known = choices.map(({ model }) => [model, memoryNeeds(library.get(model).manifest)] as const)
  const rough = proposals.flatMap(({ entry }) => {
    const usual = usualPrecision(entry)
    return usual ? [[entry.id, roughNeeds(usual)] as const] : []
  })
  return new Map([...known, ...rough].map(([key, needs]) => [key, fitsDevice(gpu, needs)]))
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
  const { folder, manifest } = library.get(model)
  const baseUrl = underPage(folder)
  const origin = createHttpSource(baseUrl)
  const earnings = async () => (await import('./read-earnings.ts')).readEarnings(clock)
  const brought = await bringModel({ clock, origin, earnings }, manifest, { signal, onProgress })
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
            baseUrl,
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
  ).finally(() => brought?.release())
  home?.changed(brought?.evicted)
  return {
    engine,
    isKept: newest?.kept ?? false,
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
