import { describe, expect, it } from 'vitest'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'
import type { ByteSource } from '../models/byte-source.ts'
import { PIECE_BYTES } from '../models/manifest.ts'
import { FileStore } from '../models/store/file-store.ts'
import type { StoreDevice } from '../models/store/store-device.ts'
import { LocalLocks } from '../models/store/store-locks.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { nodeDigest as digest } from '../testing/model-file.ts'
import { realClock } from '../testing/real-clock.ts'
import { wasmComponents } from '../testing/tiny-model.ts'
import { engineLoader } from '../engine/load-engine.ts'

const { manifest, files } = makeFamilyModel(FAMILIES[0]!, 'fp32')

function storeOn(device: StoreDevice, locks = new LocalLocks()): FileStore {
  return new FileStore({ device, locks, digest, clock: realClock })
}
async function filled(disk: MemoryDisk): Promise<MemoryDisk> {
  const store = storeOn(disk.device())
  for (const file of manifest.files) {
    const bytes = await files.read(file.path)
    for (const piece of file.pieces.keys())
      await store.put(file, piece, bytes.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES))
  }
  return disk
}

/** Loads, and tells what was asked of the source and whether the files stay. */
async function load(openStore: (() => Promise<FileStore | undefined>) | undefined) {
  const asked: string[] = []
  const source: ByteSource = {
    async open(path) {
      asked.push(path)
      const bytes = await files.read(path)
      return { offset: 0, body: (async function* () { yield bytes })() } // prettier-ignore
    },
  }
  const { ort, breathe } = await wasmComponents(files)
  const loader = engineLoader({
    openRuntime: async () => ({ ort, gpu: undefined }),
    openSource: () => source,
    openStore,
    clock: realClock,
    breathe,
  })
  const request = { manifest, source: '', backend: 'wasm', maxStreams: 1 } as const
  const { engine, kept } = await loader(
    request,
    () => undefined,
    () => 1,
  )
  await engine.close()
  return { asked, kept }
}

describe('engineLoader', () => {
  it('starts from the store where all is there, asks the source for nothing, and lets nobody delete it', async () => {
    const disk = await filled(new MemoryDisk())
    const locks = new LocalLocks()
    const loaded = await load(async () => storeOn(disk.device(), locks))
    expect(loaded).toEqual({ asked: [], kept: true })
    const [first] = manifest.files
    await expect(storeOn(disk.device(), locks).remove(first!)).rejects.toMatchObject({
      code: 'models.in-use',
    })
  })

  it.each<[string, () => Promise<FileStore | undefined>, boolean]>([
    ['a browser that keeps nothing', async () => undefined, false],
    ['a store that lacks a part', async () => storeOn(new MemoryDisk().device()), false],
    ['a disk that fails', async () => storeOn((await filled(new MemoryDisk())).device({ after: 0 })), false],
  ])('loads into memory from the source with %s, and says that nothing stays', async (_, openStore, kept) => {
    const loaded = await load(openStore)
    expect(loaded.kept).toBe(kept)
    expect(new Set(loaded.asked)).toEqual(new Set(files.paths))
  })

  it('needs no store where the source itself is on this machine', async () => {
    expect((await load(undefined)).kept).toBe(true)
  })
})
