import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { errorLine } from '#shared/errors/error-line.ts'
import { FAMILIES, type FamilyModel } from '#shared/model-kit/families/families.ts'
import { makeFamilyModel } from '#shared/model-kit/families/make-family.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import {
  addModel,
  type AddedModel,
  type AddOptions,
  type AddWanted,
} from '#shared/models/origin/add-model.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import { SILENCE_MS } from '#shared/models/origin/limits.ts'
import type { Scratch } from '#shared/models/origin/scratch.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createFolderScratch } from './folder-scratch.ts'
import { makeHubRepository, type HubRepository } from './hub-repository.ts'
import { startLocalHub, type LocalHub } from './local-hub.ts'

export function familyOf(id: string, change: Partial<FamilyModel['family']> = {}): FamilyModel {
  const found = FAMILIES.find(({ family }) => family.id === id)
  if (!found) throw new Error('no such family')
  return { ...found, family: { ...found.family, ...change } }
}

/** Large enough for weights of several pieces. */
const llama = familyOf('llama-3.2', { vocab: 8000, contextLength: 2048 })
/** Texts no longer than its first rope cache, so that rows may share a step. */
export const phi = familyOf('phi-3.5', { contextLength: 256 })

export const PLAIN = 'some-lab/Llama-3.2_Small'
export const BESIDE = 'some-lab/Phi-Beside'
export const GATED = 'some-lab/Gated'
export const OWN_LICENCE = 'some-lab/Own-Licence'
export const NO_TOKENIZER = 'some-lab/No-Tokenizer'
export const LEVEL_4 = 'some-lab/Level-4'

/** The weights of a family, changed so that each backend computes something else. */
async function atLevel4(model: FamilyModel): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const { files, manifest } = makeFamilyModel(model, 'q4')
  const decoded = modelType.decode(await files.read(manifest.weights))
  if (!decoded.graph) throw new Error('no graph')
  const nodes = decoded.graph.nodes.map((node) => ({
    ...node,
    attributes: node.attributes.map((each) => (each.name === 'accuracy_level' ? { ...each, int: 4n } : each)),
  }))
  return { [manifest.weights]: modelType.encode({ ...decoded, graph: { ...decoded.graph, nodes } }) }
}

/** A hub with a repository of each kind, for the tests of one file. */
export interface HubTrial {
  readonly hub: LocalHub
  readonly repositories: readonly HubRepository[]
  emptyFolder(): Promise<string>
  add(attempt?: Attempt): Promise<AddedModel>
  /** The hash, or what is said to whoever adds it. */
  words(attempt: Attempt): Promise<string>
  /** Undoes what a test did. */
  reset(): Promise<void>
  stop(): Promise<void>
}

export async function startHubTrial(): Promise<HubTrial> {
  const repositories = await makeRepositories()
  const hub = await startLocalHub(repositories)
  const folders: string[] = []
  const add = (attempt: Attempt = {}): Promise<AddedModel> => addFrom(hub, attempt)
  return {
    hub,
    repositories,
    async emptyFolder() {
      const folder = await mkdtemp(join(tmpdir(), 'add-model-'))
      folders.push(folder)
      return folder
    },
    add,
    words: (attempt) => add(attempt).then(({ hash }) => hash, errorLine),
    async reset() {
      hub.set({})
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
    },
    stop: () => hub.stop(),
  }
}

async function makeRepositories(): Promise<readonly HubRepository[]> {
  const model = familyOf('llama-3.2')
  const own = { license: 'other', license_name: 'some-licence', license_link: 'LICENSE' }
  return Promise.all([
    makeHubRepository({ name: PLAIN, model: llama, dtypes: ['fp32', 'q4'] }),
    makeHubRepository({ name: BESIDE, model: phi, dtypes: ['q4'], changed: { LICENSE: 'Do as you like.' } }),
    makeHubRepository({ name: GATED, model, dtypes: ['q4'], card: { license: 'llama3.2' }, gated: 'manual' }),
    makeHubRepository({ name: OWN_LICENCE, model, dtypes: ['q4'], card: own }),
    makeHubRepository({
      name: NO_TOKENIZER,
      model,
      dtypes: ['q4'],
      changed: { 'tokenizer.json': undefined },
    }),
    makeHubRepository({ name: LEVEL_4, model: phi, dtypes: ['q4'], changed: await atLevel4(phi) }),
  ])
}

/**
 * Waits are a thousand times as fast, and written down. The deadline on silence is as it is, so that a busy machine is
 * never taken for a silent hub, but where silence is what is tested.
 */
export function fastClock(waits: number[] = [], isSilent = false): Clock {
  return {
    ...realClock,
    schedule(delay, callback) {
      const isDeadline = delay === SILENCE_MS
      if (!isDeadline) waits.push(delay)
      const ms = isDeadline ? (isSilent ? delay / 100 : delay) : delay / 1000
      return realClock.schedule(millis(ms), callback)
    },
  }
}

export interface Attempt extends Partial<AddWanted>, Partial<AddOptions> {
  readonly folder?: string | undefined
  readonly scratch?: Scratch
  readonly clock?: Clock
}

export function addFrom(
  hub: Pick<LocalHub, 'url'>,
  { folder, scratch, clock = realClock, signal, onProgress, accept = () => true, ...wanted }: Attempt,
): Promise<AddedModel> {
  return addModel(
    {
      origin: createHubOrigin({ fetch, clock }, hub.url),
      digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
      scratch: folder === undefined ? scratch : createFolderScratch(folder),
    },
    { repository: PLAIN, dtype: 'fp32', ...wanted },
    { signal, onProgress, accept },
  )
}
