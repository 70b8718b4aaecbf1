import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeFamilyModel } from '#shared/model-kit/families/make-family.ts'
import { lintModel } from '#shared/models/lint-model.ts'
import { hashManifest, manifestBytes } from '#shared/models/manifest.ts'
import { readJson } from '#shared/models/model-files.ts'
import { sha256Of } from './hub-repository.ts'
import { BESIDE, fastClock, phi, PLAIN, startHubTrial, type Attempt, type HubTrial } from './hub-trial.ts'
import type { LocalHub } from './local-hub.ts'

let trial: HubTrial
let hub: LocalHub
beforeAll(async () => {
  trial = await startHubTrial()
  hub = trial.hub
})
afterAll(() => trial.stop())
afterEach(() => trial.reset())
const add = (attempt?: Attempt) => trial.add(attempt)
const emptyFolder = () => trial.emptyFolder()

describe('a model of a hub', () => {
  it('has the same hash on two machines, and its files are what the hub has', async () => {
    const [here, there] = [await emptyFolder(), await emptyFolder()]
    const first = await add({ folder: here })
    expect((await add({ folder: there })).hash).toBe(first.hash)
    expect((await add()).hash).toBe(first.hash)
    expect(first.hash).toBe(hashManifest(first.manifest))
    const [plain] = trial.repositories
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
