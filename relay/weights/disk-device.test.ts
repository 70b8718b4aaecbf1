import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { hashHex, makeModelFile, nodeDigest as digest } from '#shared/testing/model-file.ts'
import { pieceStoreChecks } from '#shared/testing/piece-store-checks.ts'
import { nodeClock } from '../base/node-clock.ts'
import { createDiskDevice } from './disk-device.ts'

const root = mkdtempSync(join(tmpdir(), 'infernet-store-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let count = 0
const newFolder = (): string => join(root, String(count++), 'models')
const storeIn = (folder: string) =>
  new FileStore({ device: createDiskDevice(folder), locks: new LocalLocks(), digest, clock: nodeClock })

describe('a store in a folder', () => {
  it.each(Object.entries(pieceStoreChecks))('%s', (_, check) => check(() => storeIn(newFolder()), digest))

  it('gives a whole file to the next process, and takes no other look for its own', async () => {
    const { file, piece } = makeModelFile(2 * MIB + 7)
    const folder = newFolder()
    for (const i of [2, 0, 1]) expect(await storeIn(folder).put(file, i, piece(i))).toBe('kept')
    const store = storeIn(folder)
    const open = await store.open(file)
    const into = new Uint8Array(file.size)
    expect(open?.read(0, into)).toBe(file.size)
    await open?.close()
    expect(hashHex(into)).toBe(file.sha256)
    expect(await store.list()).toEqual([{ sha256: file.sha256, bytes: file.size }])
    // A clock that jumps: years ahead, and back. It is checked once more, and kept.
    const path = join(folder, file.sha256)
    for (const seconds of [4e9, 1]) {
      utimesSync(path, seconds, seconds)
      expect((await storeIn(folder).held(file)).isComplete).toBe(true)
    }
    into[MIB] = (into[MIB] ?? 0) ^ 1
    writeFileSync(path, into)
    const left = await storeIn(folder).held(file)
    expect([0, 1, 2].map((i) => left.has(i))).toEqual([true, false, true])
    await store.remove(file)
    expect(await store.list()).toEqual([])
  })

  it('leaves holes for what is not here', async () => {
    const { file, piece } = makeModelFile(64 * MIB, { seed: 3 })
    const folder = newFolder()
    await storeIn(folder).put(file, 63, piece(63))
    const { size, blocks } = statSync(join(folder, file.sha256))
    expect(size).toBe(file.size)
    expect(blocks * 512).toBeLessThan(4 * MIB)
  })
})
