import { peerName, tokenId, type ModelHash, type PeerName } from '#shared/base/ids.ts'
import { baseUnits, millis } from '#shared/base/units.ts'
import type { Clock } from '#shared/base/clock.ts'
import { sleep } from '#shared/base/wait.ts'
import { askLocally } from '#shared/client/ask-locally.ts'
import { askText } from '#shared/client/ask-text.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { SubgroupResult } from '#shared/engine/subgroup-trial.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { MergedEntry } from '#shared/models/catalogue/merge-catalogues.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, RelayView, SeenOffer } from '#shared/peer/peer.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import type { WantedShare } from '#shared/schedule/demand/merge-demand.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import type { Conversation } from '../ask/conversation.ts'
import type { MoneyServices } from '../money/money-services.ts'
import type { StartedEngine } from '../session/services.ts'
import type { CheckableJob, CheckHow } from '../ask/check-service.ts'
import type { EvidenceStore, History, TranscriptStore } from '../ask/services.ts'
import type { TrustHome } from '../trust/services.ts'
import type { ModelsHome } from '../models/services.ts'
import type { Services } from '../shell/services.ts'
import { MemoryEngine } from './memory-engine.ts'
import { MemoryProvision } from './memory-provision.ts'
import { GPU, relayView, SMOL, TINY, wordsOf } from './samples.ts'

/** What a test or a picture wants of the world. */
export interface Scene {
  offers: SeenOffer[]
  unread: ReadonlyMap<PeerName, InfernetError>
  relays: RelayView[]
  /** What the relays say is wanted. */
  demand: readonly WantedShare[]
  gpu: GpuInspection
  mesh: Mesh | InfernetError
  models: ModelChoice[]
  proposals: MergedEntry[]
  /** What peers say of a model that no list names. */
  learn: (model: ModelHash, signal: AbortSignal) => Promise<ModelChoice>
  /** Models of which they were asked. */
  learning: ModelHash[]
  /** Models that are on this device already. */
  modelsHere: ModelHash[]
  /** What was loaded here before, and what it showed. */
  shown: ReadonlyMap<ModelHash, Measured>
  /** Models whose files nobody may delete now. */
  readonly held: ModelHash[]
  conversations: Conversation[]
  /** What asking gives, step by step. */
  ask: (
    signal: AbortSignal | undefined,
    begun: BegunAnswer | undefined,
  ) => AsyncGenerator<AnswerEvent, AnswerSummary, void>
  /** What checking gives, step by step. */
  check: (
    transcript: Transcript,
    how: CheckHow,
    signal: AbortSignal,
    writtenAt: number | undefined,
  ) => AsyncGenerator<CheckEvent, CheckReport, void>
  /** Whose work the record wants to see checked. */
  readonly wantsCheck: Set<PeerName>
  /** What of a job can be checked. */
  checkable: (transcript: Transcript) => CheckableJob
  /** What relays and this tab's scheduler know of others; undefined where the page cannot ask. */
  trust: TrustHome | undefined
  /** Loading goes through these; the last entry may fail. */
  load: (LoadProgress & { waitMs: number })[]
  loadFails: InfernetError | undefined
  /** Whether this browser keeps the files of a model at all. */
  storesModels: boolean
  fellBackFrom: InfernetError | undefined
  subgroups: SubgroupResult | undefined
  hidden: boolean
  onBattery: boolean | undefined
  metered: boolean | undefined
  secure: boolean
  /** Undefined for a network without a chain. */
  money: MoneyServices | undefined | InfernetError
  lookFails: boolean
  clockAheadMs: number
  /** How often the relays were asked whether they still answer. */
  checks: number
  /** Whether the browser keeps what is downloaded, once it has said, and how often it was asked. */
  keepsStorage: Promise<boolean>
  askedToKeep: number
  /** Where models are kept; undefined for a browser that keeps nothing. */
  home: ModelsHome | undefined
}

export const ME_PROVIDING = peerName('12D3KooWThisTabLendsThisTabLendsThisTabLendsLend42')
export const ME = peerName('12D3KooWThisTabItselfThisTabItselfThisTabItsMeMe42')

function modelChoice(
  model: ModelHash,
  name: string,
  note: string,
  bytes: number,
  perMillion: bigint,
): ModelChoice {
  const outputPerMillion = baseUnits(perMillion * 10n ** 17n)
  return {
    model,
    name,
    note,
    task: 'text-generation',
    listed: {
      entry: {
        id: name.toLowerCase().replaceAll(' ', '-'),
        name,
        about: note,
        task: 'text-generation',
        licence: { id: 'apache-2.0', mayPassOn: true, isGated: false },
        goodFor: [],
        origins: [],
        precisions: [{ dtype: 'fp32', bytes, memoryBytes: bytes }],
        dtype: 'fp32',
        tried: true,
      },
      sources: [{ kind: 'bundled' }],
      isPinned: false,
      otherNames: [],
      sharesName: false,
    },
    contextLength: 1024,
    answerTokens: 256,
    sampler: { temperature: 0.7, topP: 0.9 },
    bytes,
    suggestedPrice: { outputPerMillion, promptPerMillion: baseUnits(outputPerMillion / 5n) },
    examples: [
      'Tell me a story about a fox and a lantern.',
      'What is 17 plus 26, and why?',
      'What does a relay do?',
    ],
  }
}

/** A world in memory; `scene` may be changed while it runs, then `changed()` tells everybody. */
export function memoryServices(clock: Clock, change: Partial<Scene> = {}) {
  const listeners = new Set<() => void>()
  const settings = new Map<string, string>()
  const provisions: MemoryProvision[] = []
  const engines: MemoryEngine[] = []
  const opened: string[] = [] // what each mesh was opened for
  const frameListeners = new Set<(atMs: number) => void>()
  let ids = 0
  const scene: Scene = {
    offers: [],
    unread: new Map(),
    relays: [relayView('reLay1', 'relay.ams-1.example')],
    demand: [],
    gpu: GPU,
    mesh: undefined as unknown as Mesh,
    models: [
      modelChoice(TINY, 'Infernet Tiny', 'Short stories, small sums', 11_200_000, 2n),
      modelChoice(SMOL, 'SmolLM2 360M', 'Quick, short answers', 262_000_000, 38n),
    ],
    proposals: [],
    learn: async () => {
      throw new InfernetError('models.nobody-left')
    },
    learning: [],
    modelsHere: [],
    shown: new Map(),
    held: [],
    conversations: [],
    ask: async function* () {
      throw new InfernetError('schedule.no-provider')
    },
    check: async function* () {
      throw new InfernetError('verify.no-verifier')
    },
    wantsCheck: new Set(),
    checkable: (transcript) => ({
      ...{ transcript, provider: transcript.provider, from: 0, tokens: 40, readTokens: 60, hasRoots: true },
      signature: new Uint8Array(64).fill(5),
    }),
    trust: undefined,
    load: [
      { phase: 'downloading', loadedBytes: 4_000_000, totalBytes: 11_200_000, waitMs: 300 },
      { phase: 'starting', loadedBytes: 11_200_000, totalBytes: 11_200_000, waitMs: 300 },
      { phase: 'testing', loadedBytes: 11_200_000, totalBytes: 11_200_000, waitMs: 300 },
    ],
    loadFails: undefined,
    storesModels: true,
    fellBackFrom: undefined,
    subgroups: undefined,
    hidden: false,
    onBattery: false,
    metered: false,
    secure: true,
    lookFails: false,
    clockAheadMs: 0,
    checks: 0,
    keepsStorage: Promise.resolve(true),
    askedToKeep: 0,
    money: undefined,
    home: undefined,
    ...change,
  }

  const mesh: Mesh = {
    name: ME,
    get relays() {
      return scene.relays
    },
    directPeers: [],
    registers: [],
    check: () => void scene.checks++,
    onChange(callback) {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
    hiddenBy: undefined,
    bind: async () => new Uint8Array(64),
    signVerdict: async () => ({
      verifier: ME,
      verdict: { body: new Uint8Array(1), signature: new Uint8Array(64) },
    }),
    leaveClaims: async () => [],
    startProviding: async () => undefined,
    seeding: async () => undefined,
    records: async () => ({ registers: [], onChange: () => () => undefined }),
    stop: async () => undefined,
    peer: {
      name: ME,
      ask: (_prompt, options) => scene.ask(options?.signal, options?.begun),
      embed: () => {
        throw new Error('the page asks for no vectors')
      },
      check: () => {
        throw new Error('the page checks through its services')
      },
      provide: (engine, terms) => {
        const provision = new MemoryProvision(engine, terms, clock)
        provisions.push(provision)
        return provision
      },
      look: async () => {
        if (scene.lookFails) throw new InfernetError('schedule.no-relay')
        const { offers, unread, relays, demand } = scene
        return { offers, unread, relays, demand, takenAt: clock.now() }
      },
      farewell: () => undefined,
      stop: async () => undefined,
    },
  }
  scene.mesh = change.mesh ?? mesh

  const kept = new Map<string, readonly Transcript[]>()
  const keptAt = new Map<string, number>()
  const evidence = new Map<string, Uint8Array>()
  const services: Services = {
    clock,
    clockAheadMs: () => millis(scene.clockAheadMs),
    settings: { get: (name) => settings.get(name), set: (name, value) => void settings.set(name, value) },
    conditions: {
      get hidden() {
        return scene.hidden
      },
      get onBattery() {
        return scene.onBattery
      },
      get metered() {
        return scene.metered
      },
      onChange(callback) {
        listeners.add(callback)
        return () => listeners.delete(callback)
      },
    },
    get secure() {
      return scene.secure
    },
    onFrame: (callback) => {
      frameListeners.add(callback)
      return () => frameListeners.delete(callback)
    },
    newId: () => `id-${++ids}`,
    newSeed: () => new Uint8Array(32).fill(7),
    models: async () => ({ choices: scene.models, proposals: scene.proposals, leftOut: [] }),
    learnModel: async (model, { signal }) => {
      scene.learning.push(model)
      const choice = await scene.learn(model, signal)
      scene.models = [...scene.models, choice]
    },
    openMesh: async ({ purpose, hidesAddress = false }) => {
      opened.push(hidesAddress ? 'ask hidden' : purpose)
      if (scene.mesh instanceof InfernetError) throw scene.mesh
      const name = { value: purpose === 'provide' ? ME_PROVIDING : ME }
      const hiddenBy = { value: hidesAddress ? 'relay' : undefined }
      return Object.create(scene.mesh, { name, hiddenBy }) as Mesh
    },
    providingName: async () => ME_PROVIDING,
    loadTokenizer: async () => ({
      contextLength: 1024,
      eosTokens: new Set([0]),
      reasoning: undefined,
      reasoningAfter: () => undefined,
      encodeChat: () => [1, 2, 3].map(tokenId),
      fitChat: (messages) => ({
        tokens: [1, 2, 3].map(tokenId),
        droppedTurns: Math.max(0, Math.floor((messages.length - 5) / 2)),
        reasoning: undefined,
      }),
      decode: wordsOf,
    }),
    loadReader: async () => ({ decode: wordsOf }),
    askText,
    askLocally,
    modelIsHere: async (model) => scene.modelsHere.includes(model),
    termsAreAccepted: async (model) =>
      scene.models.some((choice) => choice.model === model && !choice.listed.entry.licence.isGated),
    shownHere: async (model) => scene.shown.get(model),
    holdModel: async (model) => {
      scene.held.push(model)
      return () => void scene.held.splice(scene.held.indexOf(model), 1)
    },
    inspectGpu: async () => scene.gpu,
    fitsHere: async ({ choices }) => new Map(choices.map(({ model }) => [model, true])),
    keepStorage: () => {
      scene.askedToKeep++
      return scene.keepsStorage
    },
    startEngine: async (model, { backend, onProgress }, { signal }) => {
      for (const step of scene.load) {
        onProgress(step)
        await sleep(clock, millis(step.waitMs), { signal })
      }
      if (scene.loadFails) throw scene.loadFails
      const engine = new MemoryEngine(
        model,
        scene.fellBackFrom || backend === 'wasm' ? 'wasm' : 'webgpu',
        clock,
      )
      engines.push(engine)
      return {
        engine,
        fellBackFrom: scene.fellBackFrom,
        subgroups: scene.subgroups,
        isKept: scene.storesModels,
        loadMs: millis(600),
        setShare: (share) => void engine.shares.push(share),
      } satisfies StartedEngine
    },
    openModels: async () => scene.home,
    openHistory: async () => memoryHistory(scene),
    openTranscripts: async () => memoryTranscripts(kept, keptAt, clock),
    openEvidence: async () => memoryEvidence(evidence),
    checkableJobs: async (jobs) => jobs.map((job) => scene.checkable(job)),
    checksOf: () => ({
      check: (transcript, how, { signal, writtenAt }) => scene.check(transcript, how, signal, writtenAt),
      evidenceOf: async () => new Uint8Array([7, 7, 7]),
      wantsCheck: async (provider) => scene.wantsCheck.has(provider),
    }),
    trustOf: async () => scene.trust,
    openMoney: async () => {
      if (scene.money instanceof InfernetError) throw scene.money
      return scene.money
    },
  }
  return {
    services,
    scene,
    provisions,
    engines,
    settings,
    opened,
    /** Draws a frame, for those who watch. */
    draw: (atMs: number) => frameListeners.forEach((listener) => listener(atMs)),
    /** What proves answers, by turn. */
    transcripts: kept,
    /** When that was kept, by turn. */
    keptAt,
    /** Files of checks, by turn, job and verifier. */
    evidence,
    watchesFrames: () => frameListeners.size > 0,
    changed: () => listeners.forEach((listener) => listener()),
  }
}

function memoryTranscripts(
  kept: Map<string, readonly Transcript[]>,
  keptAt: Map<string, number>,
  clock: Clock,
): TranscriptStore {
  return {
    keep: async (id, jobs) => {
      kept.set(id, jobs)
      keptAt.set(id, clock.now())
    },
    jobs: async (id) => {
      const jobs = kept.get(id)
      return jobs && { at: keptAt.get(id) ?? clock.now(), jobs }
    },
    read: async (id) => (kept.has(id) ? new Uint8Array([1]) : undefined),
    remove: async (ids) => ids.forEach((id) => kept.delete(id)),
    clear: async () => kept.clear(),
  }
}

function memoryEvidence(kept: Map<string, Uint8Array>): EvidenceStore {
  return {
    keep: async (turn, job, file) => void kept.set(`${turn}/${job}`, file),
    read: async (turn, job) => {
      const file = kept.get(`${turn}/${job}`)
      return file && new Uint8Array(file)
    },
    remove: async (turns) => {
      for (const key of kept.keys()) if (turns.some((turn) => key.startsWith(`${turn}/`))) kept.delete(key)
    },
    clear: async () => kept.clear(),
  }
}

function memoryHistory(scene: Scene): History {
  return {
    list: async () => scene.conversations,
    put: async () => undefined,
    remove: async () => undefined,
    clear: async () => undefined,
  }
}
