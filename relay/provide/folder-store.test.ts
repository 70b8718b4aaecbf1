import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { makeModel, pieceOf, type TestModel } from '#shared/testing/pieces.ts'
import { temporaryFolder } from '../testing/fixtures.ts'
import { FolderStore } from './folder-store.ts'

describe('FolderStore', () => {
  let model: TestModel
  let folder: { path: string; remove: () => Promise<void> }
  const WEIGHTS = 'onnx/model.onnx'

  beforeEach(async () => {
    model = await makeModel({ [WEIGHTS]: 2.5 * MIB, 'tokenizer.json': 3000 })
    folder = await temporaryFolder()
    for (const [path, bytes] of model.contents) await write(path, bytes)
  })
  afterEach(() => folder.remove())

  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), bytes)
  }
  const looked = async (signal = new AbortController().signal): Promise<FolderStore> => {
    const store = new FolderStore(folder.path)
    await store.look(model.manifest, { signal })
    return store
  }
  const held = async (store: FolderStore): Promise<number[]> => {
    const map = await model.numbers.heldIn(store)
    return Array.from({ length: model.numbers.count }, (_, i) => i).filter((piece) => map.has(piece))
  }
  const read = async (store: FolderStore, flat: number) => {
    const placed = model.numbers.at(flat)
    return placed && store.read(placed.file, placed.piece)
  }

  it('tells and gives every piece that is right, and nothing before it looked', async () => {
    expect(await held(new FolderStore(folder.path))).toEqual([])
    const store = await looked()
    expect(await held(store)).toEqual([0, 1, 2, 3])
    for (const flat of [0, 1, 2, 3]) expect(await read(store, flat)).toEqual(pieceOf(model, flat))
  })

  it('leaves out what is wrong, short or not there', async () => {
    const bytes = (model.contents.get(WEIGHTS) ?? new Uint8Array()).slice(0, 2 * MIB + 10)
    bytes[5] = (bytes[5] ?? 0) ^ 1
    await write(WEIGHTS, bytes)
    await rm(join(folder.path, 'tokenizer.json'))
    const store = await looked()
    expect(await held(store)).toEqual([1])
    expect(await read(store, 0)).toBeUndefined()
    expect(await read(store, 3)).toBeUndefined()
  })

  it('gives no piece that was changed since, and those that were not', async () => {
    const store = await looked()
    const bytes = (model.contents.get(WEIGHTS) ?? new Uint8Array()).slice()
    bytes[MIB] = (bytes[MIB] ?? 0) ^ 1
    await write(WEIGHTS, bytes)
    expect(await read(store, 1)).toBeUndefined()
    expect(await read(store, 0)).toEqual(pieceOf(model, 0))
    expect(await held(store)).toEqual([0, 2, 3])
  })

  it('stops looking when it is told to', async () => {
    await expect(looked(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping')
  })
})
