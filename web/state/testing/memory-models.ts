import { modelHash, type ModelHash } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type {
  FetchOptions,
  FetchProgress,
  HubModel,
  HubQuestion,
  KnownModel,
  LicenceFacts,
  ModelsHome,
  ModelsView,
  Wanted,
} from '../models/services.ts'
import { SMOL, TINY } from './samples.ts'

export const APACHE: LicenceFacts = {
  id: 'apache-2.0',
  link: 'https://www.apache.org/licenses/LICENSE-2.0',
  mayPassOn: true,
  isGated: false,
}

export function knownModel(change: Partial<KnownModel> = {}): KnownModel {
  return {
    model: TINY,
    name: 'Infernet Tiny',
    note: 'Short stories, small sums',
    dtype: 'fp32',
    bytes: 11_200_000,
    keptBytes: 11_200_000,
    lastUsedAt: epochMillis(1_000_000),
    isInUse: false,
    isPinned: false,
    isShared: true,
    licence: APACHE,
    isTried: true,
    ...change,
  }
}

export const SMOL_ON_DISK = knownModel({
  ...{ model: SMOL, name: 'SmolLM2 360M', note: 'Quick, short answers', dtype: 'q4' },
  ...{ bytes: 262_000_000, keptBytes: 262_000_000, lastUsedAt: epochMillis(900_000) },
})

/** A download that a test moves by hand. */
export interface MemoryFetch {
  readonly wanted: Wanted
  readonly options: FetchOptions
  progress(change?: Partial<FetchProgress>): void
  finish(model?: ModelHash): void
  fail(error: InfernetError): void
}

/** A home in memory; `view` may be changed while it runs, then `changed()` tells everybody. */
export function memoryHome(change: Partial<ModelsView> = {}, without: readonly (keyof ModelsHome)[] = []) {
  const listeners = new Set<() => void>()
  const view: { -readonly [K in keyof ModelsView]: ModelsView[K] } = {
    models: [knownModel(), SMOL_ON_DISK],
    room: { usedBytes: 273_200_000, freeBytes: 38_000_000_000, isLasting: true },
    events: [],
    ...change,
  }
  const fetches: MemoryFetch[] = []
  const questions: { question: HubQuestion; answer: (found: HubModel | InfernetError) => void }[] = []
  const told: Record<string, (number | undefined)[]> = { uploadRate: [], uploadBudget: [], storage: [] }
  const scene = { view, fails: undefined as InfernetError | undefined, reads: 0 }
  const changed = (): void => listeners.forEach((listener) => listener())
  const alter = (model: ModelHash, by: Partial<KnownModel>): void => {
    view.models = view.models.map((known) => (known.model === model ? { ...known, ...by } : known))
  }
  const doing = async (act: () => void): Promise<void> => {
    if (scene.fails) throw scene.fails
    act()
  }
  const home: ModelsHome = {
    read: async () => {
      scene.reads++
      if (scene.fails) throw scene.fails
      return { ...view }
    },
    onChange(callback) {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
    remove: (model) => doing(() => alter(model, { keptBytes: 0 })),
    pin: (model, on) => doing(() => alter(model, { isPinned: on })),
    share: (model, on) => doing(() => alter(model, { isShared: on })),
    makeLasting: async () => {
      view.room = { ...view.room, isLasting: true }
      return true
    },
    fetch: (wanted, options) =>
      new Promise((resolve, reject) => fetches.push(held(wanted, options, { resolve, reject }))),
    lookUp: (question) =>
      new Promise((resolve, reject) =>
        questions.push({
          question,
          answer: (found) => (found instanceof InfernetError ? reject(found) : resolve(found)),
        }),
      ),
    limits: {
      uploadRate: (bytes) => void told['uploadRate']?.push(bytes),
      uploadBudget: (bytes) => void told['uploadBudget']?.push(bytes),
      storage: (bytes) => void told['storage']?.push(bytes),
    },
  }
  const parts = Object.entries(home).filter(([part]) => !without.some((left) => left === part))
  return {
    home: Object.fromEntries(parts) as unknown as ModelsHome,
    scene,
    fetches,
    questions,
    told,
    changed,
  }
}

function held(
  wanted: Wanted,
  options: FetchOptions,
  end: { resolve: (model: ModelHash) => void; reject: (thrown: unknown) => void },
): MemoryFetch {
  options.signal.addEventListener('abort', () => end.reject(options.signal.reason))
  const model = wanted.kind === 'model' ? wanted.model : modelHash('c3'.repeat(32))
  return {
    wanted,
    options,
    progress: (change = {}) =>
      options.onProgress({
        ...{ totalBytes: 262_000_000, keptBytes: 0, fromPeers: 0, fromOrigins: 0, peers: 0 },
        ...change,
      }),
    finish: (called = model) => end.resolve(called),
    fail: (error) => end.reject(error),
  }
}
