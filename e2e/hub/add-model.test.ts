import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { errorLine } from '#shared/errors/error-line.ts'
import { FAMILIES, type FamilyModel } from '#shared/model-kit/families/families.ts'
import { makeFamilyModel } from '#shared/model-kit/families/make-family.ts'
import { lintModel } from '#shared/models/lint-model.ts'
import { hashManifest, manifestBytes } from '#shared/models/manifest.ts'
import {
  addModel,
  type AddedModel,
  type AddOptions,
  type AddWanted,
} from '#shared/models/origin/add-model.ts'
import { readJson } from '#shared/models/model-files.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import { SILENCE_MS } from '#shared/models/origin/limits.ts'
import type { Scratch } from '#shared/models/origin/scratch.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { createFolderScratch } from '../run/folder-scratch.ts'
import { makeHubRepository, sha256Of, type HubRepository } from './hub-repository.ts'
import { MEMBER_TOKEN, startLocalHub, type LocalHub } from './local-hub.ts'

function familyOf(id: string, change: Partial<FamilyModel['family']> = {}): FamilyModel {
  const found = FAMILIES.find(({ family }) => family.id === id)
  if (!found) throw new Error('no such family')
  return { ...found, family: { ...found.family, ...change } }
}

/** Large enough for weights of several pieces. */
const llama = familyOf('llama-3.2', { vocab: 8000, contextLength: 2048 })
/** Texts no longer than its first rope cache, so that rows may share a step. */
const phi = familyOf('phi-3.5', { contextLength: 256 })

const PLAIN = 'some-lab/Llama-3.2_Small'
const BESIDE = 'some-lab/Phi-Beside'
const GATED = 'some-lab/Gated'
const OWN_LICENCE = 'some-lab/Own-Licence'
const NO_TOKENIZER = 'some-lab/No-Tokenizer'
const LEVEL_4 = 'some-lab/Level-4'

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

let hub: LocalHub
let repositories: readonly HubRepository[]
const folders: string[] = []

beforeAll(async () => {
  const model = familyOf('llama-3.2')
  const own = { license: 'other', license_name: 'some-licence', license_link: 'LICENSE' }
  repositories = await Promise.all([
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
  hub = await startLocalHub(repositories)
})
afterAll(() => hub.stop())
beforeEach(() => hub.set({}))
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'add-model-'))
  folders.push(folder)
  return folder
}

/**
 * Waits are a thousand times as fast, and written down. The deadline on silence is as it is, so that a busy machine is
 * never taken for a silent hub, but where silence is what is tested.
 */
function fastClock(waits: number[] = [], isSilent = false): Clock {
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

interface Attempt extends Partial<AddWanted>, Partial<AddOptions> {
  readonly folder?: string | undefined
  readonly scratch?: Scratch
  readonly clock?: Clock
}

function add({
  folder,
  scratch,
  clock = realClock,
  signal,
  onProgress,
  accept = () => true,
  ...wanted
}: Attempt = {}): Promise<AddedModel> {
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

const words = (attempt: Attempt): Promise<string> => add(attempt).then(({ hash }) => hash, errorLine)

describe('a model of a hub', () => {
  it('has the same hash on two machines, and its files are what the hub has', async () => {
    const [here, there] = [await emptyFolder(), await emptyFolder()]
    const first = await add({ folder: here })
    expect((await add({ folder: there })).hash).toBe(first.hash)
    expect((await add()).hash).toBe(first.hash)
    expect(first.hash).toBe(hashManifest(first.manifest))
    const [plain] = repositories
    expect(first.manifest).toMatchObject({
      id: 'llama-3.2-small',
      name: 'Llama 3.2 Small',
      dtype: 'fp32',
      contextLength: 2048,
      vocabSize: 8000,
      licence: { id: 'apache-2.0', mayPassOn: true, isGated: false },
    })
    expect(first.origin).toEqual({ kind: 'hub', repository: PLAIN, revision: plain?.commit })
    expect(first.manifest.files.map(({ path }) => path)).toEqual([
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'onnx/model.onnx',
    ])
    for (const { path, sha256 } of first.manifest.files)
      expect(sha256Of(await readFile(join(here, path)))).toBe(sha256)
    expect(await readdir(here, { recursive: true })).toHaveLength(first.manifest.files.length + 1)
  })

  it('has another hash in another precision, and none of its clock or its folder', async () => {
    const q4 = await add({ dtype: 'q4' })
    expect(q4.hash).not.toBe((await add()).hash)
    expect((await add({ dtype: 'q4', clock: fastClock() })).hash).toBe(q4.hash)
    expect(q4.findings).toEqual([])
  })

  it('has the files beside its graph and the text of its licence', async () => {
    const { manifest } = await add({ repository: BESIDE, dtype: 'q4' })
    expect(manifest.files.map(({ path }) => path).slice(4)).toEqual([
      'LICENSE',
      'onnx/model_q4.onnx',
      'onnx/model_q4.onnx_data',
      'onnx/model_q4.onnx_data_1',
    ])
  })

  it('is linted with the numbers that lie beside its graph', async () => {
    const { files, manifest } = makeFamilyModel(phi, 'q4')
    const beside = files.paths.filter((path) => path.includes('_data'))
    const input = {
      dtype: 'q4',
      weights: await files.read(manifest.weights),
      paths: files.paths,
      config: await readJson(files, 'config.json'),
      eosTokens: new Set([2]),
      contextLength: 256,
    } as const
    const data = async (path: string) => ({ path: path.replace('onnx/', ''), data: await files.read(path) })
    const whole = lintModel({ ...input, beside: await Promise.all(beside.map(data)) })
    expect((await add({ repository: BESIDE, dtype: 'q4' })).findings).toEqual(whole)
    expect(lintModel(input)).not.toEqual(whole)
  })

  it('is found page by page', async () => {
    const { hash } = await add()
    hub.set({ pageFiles: 2 })
    expect((await add()).hash).toBe(hash)
    expect(hub.asked.filter((path) => path.includes('/tree/'))).toHaveLength(4)
  })

  it('is loaded once, and not again by the next attempt', async () => {
    const folder = await emptyFolder()
    const { manifest } = await add({ folder })
    expect(hub.sentBytes).toBe(manifestBytes(manifest))
    hub.set({})
    const told: number[] = []
    await add({ folder, onProgress: ({ fetchedBytes }) => told.push(fetchedBytes) })
    expect(hub.sentBytes).toBe(0)
    expect(Math.max(...told)).toBe(0)
  })

  it('goes on where it was stopped', async () => {
    const folder = await emptyFolder()
    const { hash, manifest } = await add()
    hub.set({})
    const stop = new AbortController()
    const stopped = add({
      folder,
      signal: stop.signal,
      onProgress: ({ loadedBytes }) => {
        if (loadedBytes > 2_000_000) stop.abort(new Error('enough'))
      },
    })
    await expect(stopped).rejects.toThrow('enough')
    const kept = (await readFile(join(folder, 'onnx/model.onnx.part'))).length
    expect(kept).toBeGreaterThanOrEqual(1 << 20)
    hub.set({})
    expect((await add({ folder })).hash).toBe(hash)
    const [config, generationConfig] = manifest.files.map(({ size }) => size)
    const held = kept + (config ?? 0) + (generationConfig ?? 0)
    expect(hub.sentBytes).toBe(manifestBytes(manifest) - held)
  })

  it('takes nothing from an earlier attempt that is not right', async () => {
    const folder = await emptyFolder()
    const { hash } = await add({ folder })
    const path = join(folder, 'onnx/model.onnx')
    await rename(path, `${path}.part`)
    const bytes = await readFile(`${path}.part`)
    await writeFile(`${path}.part`, bytes.subarray(0, 1_500_000).fill(7, 1000, 2000))
    expect((await add({ folder })).hash).toBe(hash)
  })
})

describe('a hub that fails', () => {
  it('is read on where it broke off', async () => {
    const { hash, manifest } = await add()
    hub.set({ truncates: 1 })
    expect((await add()).hash).toBe(hash)
    expect(hub.sentBytes).toBe(manifestBytes(manifest))
  })

  it('is read on from the beginning where it has no ranges', async () => {
    const { hash } = await add()
    hub.set({ truncates: 1, ignoresRanges: true })
    expect((await add()).hash).toBe(hash)
  })

  it.each([
    ['the seconds it says', { 'retry-after': '7' }, 7000],
    ['until the time it says', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }, 60_000],
    ['until the end of its window', { ratelimit: '"resolvers";r=0;t=55' }, 55_000],
    ['a while where it says nothing', {}, 5000],
  ])('is waited for, %s', async (_, headers, waitMs) => {
    const waits: number[] = []
    hub.set({ busy: { times: 1, headers } })
    await add({ dtype: 'q4', clock: fastClock(waits) })
    const longest = Math.max(...waits)
    expect(longest).toBeGreaterThan(waitMs / 2)
    expect(longest).toBeLessThanOrEqual(waitMs)
  })

  const TRY = 'Nothing wrong was kept. Try again later, or use another source.'
  it.each<[string, Parameters<LocalHub['set']>[0], string]>([
    [
      'sends round in a circle',
      { circle: true },
      `The source cannot be used: it sends requests round in a circle. ${TRY}`,
    ],
    [
      'sends on for ever',
      { chain: true },
      `The source cannot be used: it sends requests on more than 5 times. ${TRY}`,
    ],
    [
      'changes a file between two ranges',
      { changes: true, truncates: 1 },
      'The source changed the file onnx/model.onnx while it was being loaded. Nothing wrong was kept. Start again.',
    ],
    [
      'ends in the middle again and again',
      { truncates: 1e9 },
      'The file onnx/model.onnx ended after SOME of SIZE bytes. Load the model again.',
    ],
    [
      'sends a page for the card',
      { page: 'listing' },
      `The source cannot be used: it sends a web page in place of its card. ${TRY}`,
    ],
    [
      'sends a page for a file',
      { page: 'file' },
      `The source cannot be used: it sends a web page in place of config.json. ${TRY}`,
    ],
    [
      'lists a hash of other bytes',
      { wrongHash: true },
      `The source sent other bytes for the file onnx/model.onnx than it lists. ${TRY}`,
    ],
    [
      'lists another size',
      { wrongSize: true },
      `The source sent other bytes for the file onnx/model.onnx than it lists. ${TRY}`,
    ],
    [
      'sends other small files',
      { otherSmallFiles: true },
      `The source sent other bytes for the file config.json than it lists. ${TRY}`,
    ],
    [
      'is busy for long',
      { busy: { times: 1e9, headers: { 'retry-after': '900' } } },
      'The source takes no more requests from here for 900 seconds. Try again after that. What has come is kept.',
    ],
    [
      'is busy again and again',
      { busy: { times: 1e9, headers: {} } },
      'The source takes no more requests from here for 160 seconds. Try again after that. What has come is kept.',
    ],
    [
      'says nothing',
      { silent: 'listing' },
      'The source sent nothing for 30 seconds. Check the connection, then try again. What has come is kept.',
    ],
    [
      'falls silent in a file',
      { silent: 'file' },
      'The source sent nothing for 30 seconds. Check the connection, then try again. What has come is kept.',
    ],
    [
      'lists too much',
      { moreFiles: 10_000 },
      `The source cannot be used: it lists more than 10000 files. ${TRY}`,
    ],
    [
      'lists on too many pages',
      { pageFiles: 1, moreFiles: 30 },
      `The source cannot be used: it lists files on more than 20 pages. ${TRY}`,
    ],
    [
      'has an error of its own',
      { status: 500 },
      'The file config.json could not be loaded (500). Check that its source has it and can be reached.',
    ],
  ])('%s: in its own words', async (_, faults, said) => {
    hub.set(faults)
    const line = await words({ clock: fastClock([], 'silent' in faults), folder: await emptyFolder() })
    expect(line.replace(/after \d+ of \d+ bytes/, 'after SOME of SIZE bytes')).toBe(said)
  })

  it('that is gone is named', async () => {
    const gone = await startLocalHub([])
    await gone.stop()
    const origin = createHubOrigin({ fetch, clock: realClock }, gone.url)
    await expect(origin.list({ repository: PLAIN })).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { status: 'no answer' },
    })
  })

  it('gets no token to its storage', async () => {
    await add({ repository: GATED, dtype: 'q4', token: MEMBER_TOKEN })
    expect(hub.tokensAtStorage).toBe(0)
  })
})

describe('what cannot be added', () => {
  const NAME = 'Check the name. If the repository is private, use the token of an account that may read it.'
  const OTHER = 'Choose another precision, or another repository.'
  const TERMS = 'Accept the terms on its page at the hub, then use a token of that account.'
  it.each<[string, Attempt, string]>([
    [
      'a repository that is missing or private',
      { repository: 'some-lab/none' },
      `The model was not found: the hub shows no repository some-lab/none, because there is none or it is private. ${NAME}`,
    ],
    [
      'the same with a token',
      { repository: 'some-lab/none', token: 'hf_other' },
      `The model was not found: the hub shows no repository some-lab/none, because there is none or it is private. ${NAME}`,
    ],
    [
      'a revision that is missing',
      { revision: 'v9' },
      `The model was not found: ${PLAIN} has no revision v9. ${NAME}`,
    ],
    [
      'what is no name',
      { repository: '../up' },
      `The model was not found: "../up" does not have the form owner/name. ${NAME}`,
    ],
    [
      'a precision that is missing',
      { dtype: 'fp16' },
      `This model cannot be added: ${PLAIN} has no precision fp16 (onnx/model_fp16.onnx), only fp32, q4. ${OTHER}`,
    ],
    [
      'one without a tokenizer',
      { repository: NO_TOKENIZER, dtype: 'q4' },
      `This model cannot be added: ${NO_TOKENIZER} has no tokenizer.json. ${OTHER}`,
    ],
    [
      'a gated one without a token',
      { repository: GATED, dtype: 'q4' },
      `The hub gives ${GATED} only to accounts that accepted its terms. ${TERMS}`,
    ],
    [
      "a gated one with a stranger's token",
      { repository: GATED, dtype: 'q4', token: 'hf_other' },
      `The hub does not give ${GATED} to the account of this token. ${TERMS}`,
    ],
    [
      'one whose licence was not accepted',
      { repository: OWN_LICENCE, dtype: 'q4', accept: () => false },
      'The licence some-licence was not accepted, so nothing was loaded. Read the licence, then accept it or choose another model.',
    ],
  ])('%s: in words with what to do', async (_, attempt, said) => {
    const folder = await emptyFolder()
    expect(await words({ ...attempt, folder })).toBe(said)
    expect(await readdir(folder)).toEqual([])
  })

  it('one that nobody could check: with the rule, and before its weights are loaded', async () => {
    const said = await words({ repository: LEVEL_4, dtype: 'q4' })
    expect(said).toBe(
      'This model cannot be added: its check "accuracy-level" fails. A MatMulNBits has accuracy_level 4: activations are rounded to 8 bits, by each backend in its own way, so two honest peers get different answers and neither can check the other. Export with accuracy_level 0. ' +
        OTHER,
    )
    expect(hub.asked.filter((path) => path.includes('/resolve/'))).toHaveLength(3)
  })

  it('what there is no room for', async () => {
    const scratch = createFolderScratch(await emptyFolder())
    await expect(scratch.open({ path: 'onnx/model.onnx', size: 1e18 })).rejects.toMatchObject({
      code: 'models.no-space',
      facts: { neededMb: 1e12 },
    })
  })

  it('what cannot be kept, which is no fault of the hub', async () => {
    const folder = await emptyFolder()
    const kept = createFolderScratch(folder)
    const full: Scratch = {
      async open(file) {
        const growing = await kept.open(file)
        if (file.path !== 'onnx/model.onnx') return growing
        const write = (): Promise<void> => Promise.reject(new Error('the disk is full'))
        return {
          size: 0,
          write,
          read: (...range) => growing.read(...range),
          truncate: (size) => growing.truncate(size),
          adopt: (whole) => growing.adopt(whole),
          close: () => growing.close(),
        }
      },
    }
    await expect(add({ scratch: full })).rejects.toThrow('the disk is full')
    expect(hub.asked.filter((path) => path.endsWith('onnx/model.onnx'))).toHaveLength(1)
  })

  it.each([
    [GATED, 'llama3.2', true],
    [OWN_LICENCE, 'some-licence', false],
  ])('%s is for oneself: its licence lets nobody hand it on', async (repository, id, isGated) => {
    const { manifest } = await add({ repository, dtype: 'q4', token: MEMBER_TOKEN })
    expect(manifest.licence).toMatchObject({ id, isGated, mayPassOn: false })
  })
})
