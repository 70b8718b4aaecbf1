import { createMetronome } from '../../engine/metronome.ts'
import { keepStorage } from '../../storage/model-storage.ts'
import { browserConditions } from './conditions.ts'
import { keepComparing, RelayClock } from './relay-clock.ts'
import type { Services } from './services.ts'
import { EngineShelf } from '../session/engine-shelf.ts'
import { localSettings } from './local-settings.ts'

/**
 * The real services. What is heavy (libp2p, the tokenizer, the engine, the database) is fetched when it is first
 * used, so that the page itself stands within a moment.
 */
export function lazyServices(window: Window): Services {
  const real = () => import('./services-real.ts')
  const clock = new RelayClock(createMetronome())
  keepComparing(clock, async () => (await real()).readNetworkInfo(clock))
  const page = { clock, settings: localSettings(window), relays: relaysFromAddress(window.location) }
  const shelf = new EngineShelf(
    async (...engine) => (await real()).startEngine(page, ...engine),
    async (model) => (await real()).passOn(page, model),
  )
  return {
    clock,
    clockAheadMs: () => clock.aheadMs,
    settings: page.settings,
    conditions: browserConditions(window),
    onFrame: (callback) => eachFrame(window, callback),
    secure: window.isSecureContext,
    newId: () => crypto.randomUUID(),
    newSeed: () => crypto.getRandomValues(new Uint8Array(32)),
    models: async () => (await real()).models(page),
    learnModel: async (model, options) => (await real()).learnModel(page, model, options),
    openMesh: async (init, options) => (await real()).openMesh(page, init, options),
    providingName: async () => (await real()).providingName(),
    openModels: async () => (await real()).openModels(page),
    loadTokenizer: async (model) => (await real()).loadTokenizer(page, model),
    loadReader: async (model) => (await real()).loadReader(model),
    askText: async function* (...chat) {
      yield* (await real()).askText(...chat)
    },
    askLocally: async function* (...chat) {
      yield* (await real()).askLocally(...chat)
    },
    modelIsHere: async (model) => (await real()).modelIsHere(model),
    fitsHere: async (list) => (await real()).fitsHere(list),
    inspectGpu: async (model) => (await real()).inspectGpu(model),
    termsAreAccepted: async (model) => (await real()).lendServices(page).termsAreAccepted(model),
    shownHere: async (...asked) => (await real()).lendServices(page).shownHere(...asked),
    holdModel: async (model) => (await real()).lendServices(page).holdModel(model),
    startEngine: shelf.start,
    openMoney: async (options) => (await import('./money-services-real.ts')).openMoney(clock, options),
    openTranscripts: async () => (await import('../../storage/transcripts.ts')).openTranscripts(clock),
    openEvidence: async () => (await import('../../storage/evidence.ts')).openEvidence(clock),
    checkableJobs: async (jobs) => (await import('../ask/checkable-jobs.ts')).checkableJobs(jobs),
    checksOf: (mesh) => ({
      check: async function* (...check) {
        return yield* (await real()).checksOf(page, mesh).check(...check)
      },
      evidenceOf: async (report) => (await real()).checksOf(page, mesh).evidenceOf(report),
      wantsCheck: async (provider) => (await real()).checksOf(page, mesh).wantsCheck(provider),
    }),
    trustOf: async (mesh) => (await real()).trustOf(page, mesh),
    keepStorage: () => keepStorage(),
    openHistory: async () => (await import('../../storage/history.ts')).openHistory(),
  }
}

function eachFrame(window: Window, callback: (atMs: number) => void): () => void {
  let id = window.requestAnimationFrame(function draw(atMs) {
    id = window.requestAnimationFrame(draw)
    callback(atMs)
  })
  return () => window.cancelAnimationFrame(id)
}

/** `?relay=/dns4/…/p2p/…`, as often as wanted: opens the page with relays of one's own choice. */
function relaysFromAddress(location: Location): readonly string[] {
  return new URLSearchParams(location.search).getAll('relay').filter((address) => address.includes('/p2p/'))
}
