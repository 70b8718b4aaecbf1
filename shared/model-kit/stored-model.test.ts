import { describe, expect, it } from 'vitest'
import { createEngine } from '#shared/engine/create-engine.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { openStoredFiles } from '#shared/models/store/stored-files.ts'
import { collect } from '#shared/testing/engine-compliance.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { MemoryDisk } from '#shared/testing/memory-disk.ts'
import { nodeDigest } from '#shared/testing/model-file.ts'
import { wasmComponents } from '#shared/testing/tiny-model.ts'
import { PIECE_BYTES, type Manifest } from '../models/manifest.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'

const family = FAMILIES.find((each) => each.family.dataFiles === 2)
if (!family) throw new Error('no family with two data files')
const { manifest, files } = makeFamilyModel(family, 'fp32')

async function storedOn(disk: MemoryDisk): Promise<FileStore> {
  const components = {
    device: disk.device(),
    locks: new LocalLocks(),
    digest: nodeDigest,
    clock: new FakeClock(),
  }
  const store = new FileStore(components)
  for (const file of manifest.files) {
    const bytes = await files.read(file.path)
    for (const piece of file.pieces.keys())
      await store.put(file, piece, bytes.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES))
  }
  return store
}

async function answer(from: ModelFiles, of: Manifest): Promise<readonly number[]> {
  const engine = await createEngine(await wasmComponents(from), { manifest: of, maxStreams: 1 })
  const request = {
    promptTokens: [1, 5, 9],
    priorTokens: [],
    maxTokens: 12,
    sampler: { temperature: 0, topP: 1, topK: 0 },
    seed: new Uint8Array(32),
  }
  const { tokens } = await collect(engine, request)
  await engine.close()
  return tokens
}

describe('a model in a store', () => {
  it('answers as from memory, its data files never read as wholes', async () => {
    const stored = await openStoredFiles(await storedOn(new MemoryDisk()), manifest)
    if (!stored) throw new Error('it is not whole')
    const read: string[] = []
    const watched: ModelFiles = {
      ...stored,
      read: (path, options) => (read.push(path), stored.read(path, options)),
    }
    expect(await answer(watched, manifest)).toEqual(await answer(files, manifest))
    expect(read.filter((path) => path.includes('_data'))).toEqual([])
    expect(manifest.files.filter(({ path }) => path.includes('_data')).length).toBe(2)
  })

  it('is not there as long as one file of it is not whole', async () => {
    const disk = new MemoryDisk()
    const store = await storedOn(disk)
    expect((await openStoredFiles(store, manifest))?.paths).toEqual(manifest.files.map(({ path }) => path))
    const data = manifest.files.find(({ path }) => path.endsWith('_data_1'))
    disk.tamper(data?.sha256 ?? '', (bytes) => bytes.with(9, (bytes[9] ?? 0) ^ 1))
    expect(await openStoredFiles(store, manifest)).toBeUndefined()
  })
})
