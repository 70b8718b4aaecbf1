import * as v from 'valibot'
import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import {
  ModelLibrary,
  type KnownModel as LibraryModel,
  type ModelList,
} from '#shared/client/model-library.ts'
import type { Digest } from '#shared/models/byte-source.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { memoryNeeds, roughNeeds } from '#shared/engine/fit.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import type { WorkerEngine } from '#shared/engine/worker-client.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import { usualPrecision } from '#shared/models/catalogue/entry.ts'
import { manifestBytes } from '#shared/models/manifest.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { createWebEngine } from '../../engine/client.ts'
import { fitsDevice, inspectGpu as inspect, type GpuInspection } from '../../engine/inspect-gpu.ts'
import { prefetchRuntime } from '../../engine/prefetch-runtime.ts'
import { createMesh } from '../../mesh/create-mesh.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'
import { openLentManifests } from '../../storage/lent-manifests.ts'
import { openOwnModels } from '../../storage/own-models.ts'
import { openMeasures } from '../../storage/engine-measures.ts'
import { openOpenings } from '../../storage/openings.ts'
import { openTrialResults } from '../../storage/trial-results.ts'
import { addFromHub } from '../../weights/add-from-hub.ts'
import { bringModel, type BroughtModel } from '../../weights/bring-model.ts'
import type { DownloadOptions } from '../../weights/download-model.ts'
import { openKeptModels } from '../../weights/kept-models.ts'
import { openWeights } from '../../weights/open-weights.ts'
import { createWebLocks } from '../../weights/web-locks.ts'
import { peerSource } from '../../weights/peer-source.ts'
import { keptSource } from '../../weights/kept-source.ts'
import type { CheckService } from '../ask/check-service.ts'
import { hubTokenFor } from '../models/hub-token.ts'
import { readCap } from '../models/read-caps.ts'
import type { ModelsHome } from '../models/services.ts'
import type { EngineInit, StartedEngine } from '../session/services.ts'
import { relayAddressOf, underPage } from './address.ts'
import { HubHome } from './hub-home.ts'
import { createHubUrl } from './hub-url.ts'
import { createLendServices, noteShown, type LendServices } from './lend-services.ts'
import { knownProviders } from './known-home.ts'
import { LibraryHome } from './library-home.ts'
import { sourcesOf, urlsOf, type OriginPlaces } from './origin-sources.ts'
import { readLists } from './catalogue-lists.ts'
import type { WatchedSettings } from './local-settings.ts'
import type { RelayClock } from './relay-clock.ts'
import { createSharing, type Sharing } from './share-services.ts'

/** What the page has from its start. */
export interface PageBasics {
  readonly clock: RelayClock
  readonly settings: WatchedSettings
  /** Multiaddrs of relays that the visitor brought, tried first. */
  readonly relays: readonly string[]
}

const infoSchema = v.pick(networkInfoSchema, ['peerId', 'relays', 'isAnnounced', 'otherRelays', 'iceServers'])
type MeshInfo = v.InferOutput<typeof infoSchema>

/** A kilobyte from whoever served the page; one that says nothing for this long is taken for down. */
const NETWORK_INFO_DEADLINE_MS = 8 * SECOND_MS

const ownModels = openOwnModels()
const lentManifests = openLentManifests()

const digest: Digest = (bytes) => crypto.subtle.digest('SHA-256', bytes)

/** Of who has a model that no list names so many are asked what it is: each sees this tab's address. */
const MAX_ASKED_FOR_LENT = 3

/** The list waits for a manifest from peers no longer: others in it can be had. */
const FIND_MANIFEST_MS = 8 * SECOND_MS

/** Set before anything is read. */
let shared: Sharing | undefined

const NOWHERE: ByteSource = {
  open: (path) => Promise.reject(new InfernetError('models.unavailable', { path, status: 'no origin' })),
}

const hubUrl = createHubUrl((...request) => fetch(...request))
/** Set before anything is asked of a hub. */
let settings: WatchedSettings | undefined
const places: OriginPlaces = {
  hubUrl,
  baseUrl: () => document.baseURI,
  tokenOf: (hub) => settings && hubTokenFor(settings, hub),
}

const library = new ModelLibrary({
  sources(origins, manifest) {
    const sources = sourcesOf(origins, places)
    if (!manifest) return sources
    const [last, ...before] = sources.toReversed()
    // Peers are asked when every origin is away, or there is none.
    const peers = shared && { origin: last, swarm: shared.swarm, digest, openStore: openWeights }
    const atLast = peers ? peerSource(peers, manifest) : (last ?? NOWHERE)
    const [first = NOWHERE, ...others] = [...before.toReversed(), atLast]
    return [keptSource(manifest.files, first), ...others]
  },
  digest,
  findManifest: async (model) => {
    if (!shared) throw new InfernetError('models.nobody-left')
    return shared.swarm.fetchManifest(model, { signal: AbortSignal.timeout(FIND_MANIFEST_MS) })
  },
})

export { askLocally } from '#shared/client/ask-locally.ts'
export { askText } from '#shared/client/ask-text.ts'
export { trustOf } from './known-home.ts'
export { providingName } from '../../mesh/identity.ts'

/** Joins the network through the relay that served the page. */
export async function openMesh(
  page: PageBasics,
  init: Pick<MeshInit, 'purpose' | 'hidesAddress' | 'only'>,
  { signal }: { signal: AbortSignal },
): Promise<Mesh> {
  const { clock, relays } = page
  const info = await readNetworkInfo(clock, { signal }).catch((thrown: unknown) => {
    if (relays.length === 0) throw thrown
    return undefined
  })
  const known = init.purpose === 'ask' ? await knownProviders(page) : undefined
  return createMesh(
    { clock },
    {
      ...init,
      record: known?.record,
      toldBy: known && ((registers) => known.toldBy(registers)),
      relays: relaysIn(info, relays),
      readRelays: async (options) => relaysIn(await readNetworkInfo(clock, options), relays),
      iceServers: (info?.iceServers ?? []) as RTCIceServer[],
      openings: init.purpose === 'provide' ? openOpenings() : undefined,
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

export async function models(page: PageBasics): Promise<ModelList> {
  sharingOf(page)
  return library.list(await readLists(page.clock, ownModels, lentManifests))
}

/** See `SessionServices.learnModel`. */
export async function learnModel(
  page: PageBasics,
  model: ModelHash,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { swarm } = sharingOf(page)
  const manifest = await swarm.fetchManifest(model, { signal, maxPeers: MAX_ASKED_FOR_LENT })
  await lentManifests.put(manifest, page.clock.now())
  home?.relist()
}

export function loadTokenizer(page: PageBasics, model: ModelHash): Promise<ChatTokenizer> {
  void lentManifests.touch(model, page.clock.now()) // who asks it wants to find it again
  return library.tokenizer(model)
}

export function loadReader(model: ModelHash): Promise<Pick<ChatTokenizer, 'decode'>> {
  return library.reader(model)
}

let home: LibraryHome | undefined

function sharingOf(page: PageBasics): Sharing {
  settings = page.settings
  return (shared ??= createSharing({
    ...page,
    find: (model) => library.find(model),
    open: (options) => openMesh(page, { purpose: 'share' }, options),
    onLost: () => home?.changed(),
  }))
}

/** Brings what is missing of a model here, and passes it on as far as that is allowed. */
async function bring(
  page: PageBasics,
  { origins, manifest }: LibraryModel,
  { tokenOf = places.tokenOf, ...options }: DownloadOptions & Pick<OriginPlaces, 'tokenOf'>,
  onMissing?: () => void,
): Promise<BroughtModel | undefined> {
  const { swarm } = sharingOf(page)
  const components = {
    ...{ clock: page.clock, swarm, limitBytes: readCap(page.settings, 'storage'), onMissing },
    earnings: async () => (await import('./read-earnings.ts')).readEarnings(page.clock),
    origins: sourcesOf(origins, { ...places, tokenOf }),
  }
  const brought = await bringModel(components, manifest, options)
  for (const { model } of brought?.evicted ?? []) swarm.forget(modelHash(model))
  return brought
}

/** Passes on what is here of a model until what comes back is called. Never throws. */
export async function passOn(page: PageBasics, model: ModelHash): Promise<() => void> {
  const known = library.find(model)
  const store = await openWeights().catch(() => undefined)
  return known && store ? sharingOf(page).swarm.passOn(known.manifest, store) : () => undefined
}

/** What lending several models needs to know of them. */
export function lendServices(page: PageBasics): LendServices {
  return createLendServices({
    ...page,
    find: (model) => library.find(model),
    passOn: (model) => passOn(page, model),
  })
}

/** Undefined where this browser keeps nothing for this page. */
export async function openModels(page: PageBasics): Promise<ModelsHome | undefined> {
  const store = await openWeights()
  if (!store) return undefined
  const { clock } = page
  const { swarm, rules } = sharingOf(page)
  const [kept, locks] = [openKeptModels(), createWebLocks()]
  const hubHome = new HubHome({
    clock,
    http: { fetch: (...request) => fetch(...request), clock, hidesRedirects: true },
    hubUrl: () => hubUrl({ isSure: true }),
    room: {
      ...{ store, kept, locks, clock, storage: navigator.storage },
      earnings: async () => (await import('./read-earnings.ts')).readEarnings(clock),
      get limitBytes() {
        return readCap(page.settings, 'storage')
      },
    },
    own: ownModels,
    kept,
    add: addFromHub,
    entryOf: (repository) => library.entryAt(repository),
  })
  return (home ??= new LibraryHome({
    clock: page.clock,
    list: () => models(page),
    get: (model) => library.get(model),
    store,
    kept,
    locks,
    ...{ swarm, rules },
    hub: hubHome,
    bring: (known, options) => bring(page, known, options),
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

/** Who has answers checked. A verdict is judged by what the manifest says of the model's numbers. */
export function checksOf(page: PageBasics, mesh: Mesh): CheckService {
  return {
    async *check(transcript, how, { model, writtenAt, signal }) {
      const by = how.by === 'self' ? how : { ...how, profile: library.get(model).manifest.dtype }
      const report = yield* mesh.peer.check(transcript, by, { signal })
      await knownProviders(page).then((known) => known.checked(report, { writtenAt }))
      return report
    },
    evidenceOf: async (report) => (await import('./evidence-of.ts')).evidenceOf(report),
    wantsCheck: async (provider) => (await knownProviders(page)).record.wantsCheck(provider),
  }
}

const trialResults = openTrialResults()
const measures = openMeasures()

/** Starts an engine that is started again when it dies, on what it ran on before. */
export async function startEngine(
  page: PageBasics,
  model: ModelHash,
  { backend, share: firstShare = 1, onProgress }: EngineInit,
  { signal }: { signal: AbortSignal },
): Promise<StartedEngine> {
  const known = library.get(model)
  const { origins, manifest } = known
  const { clock } = page
  const [baseUrl = '', ...otherUrls] = await urlsOf(origins, places)
  const brought = await bring(page, known, { signal, onProgress }, () => void prefetchRuntime({ signal }))
  const broughtAt = clock.monotonic()
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
            otherUrls,
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
  const loadMs = millis(clock.monotonic() - broughtAt)
  const { info, selfTest, testedAt } = engine
  void noteShown(clock, { manifest, backend }, { info, selfTest, testedAt, loadMs })
  return {
    engine,
    loadMs,
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
