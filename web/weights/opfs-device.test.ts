import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoreDevice } from '#shared/models/store/store-device.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { openOpfsDevice } from './opfs-device.ts'

/** An origin private file system in memory, with locks, a quota and a disk as the real one has them. */
function createFakeStorage({ quota = Infinity, disk = Infinity } = {}) {
  const files = new Map<string, Uint8Array>()
  const open = new Set<string>()
  const handleOf = (name: string) => ({
    getFile: async () => ({ size: files.get(name)?.length ?? 0, lastModified: 9 }),
    async createSyncAccessHandle() {
      if (open.has(name)) throw new DOMException('locked', 'NoModificationAllowedError')
      open.add(name)
      const get = (): Uint8Array => files.get(name) ?? new Uint8Array(0)
      return {
        read(into: Uint8Array, { at }: { at: number }) {
          const part = get().subarray(at, at + into.length)
          into.set(part)
          return part.length
        },
        write(bytes: Uint8Array, { at }: { at: number }) {
          if (at + bytes.length > quota) throw new DOMException('', 'QuotaExceededError')
          const fits = Math.max(0, Math.min(bytes.length, disk - at))
          const grown = new Uint8Array(Math.max(get().length, at + fits))
          grown.set(get())
          grown.set(bytes.subarray(0, fits), at)
          files.set(name, grown)
          return fits
        },
        flush: () => {},
        close: () => void open.delete(name),
      }
    },
  })
  const folder = {
    async getFileHandle(name: string, { create = false } = {}) {
      if (!files.has(name) && !create) throw new DOMException('', 'NotFoundError')
      if (create) files.set(name, files.get(name) ?? new Uint8Array(0))
      return handleOf(name)
    },
    async removeEntry(name: string) {
      if (open.has(name)) throw new DOMException('', 'NoModificationAllowedError')
      if (!files.delete(name)) throw new DOMException('', 'NotFoundError')
    },
    keys: () => files.keys(),
  }
  const root = { getDirectoryHandle: async () => folder }
  return { getDirectory: async () => root } as unknown as StorageManager
}

const clock = new FakeClock()
const opened = async (storage: StorageManager): Promise<StoreDevice> => {
  const device = await openOpfsDevice(storage, clock)
  if (!device) throw new Error('no device')
  return device
}
const NAME = 'a'.repeat(64)

beforeEach(() => {
  class FileSystemFileHandle {
    createSyncAccessHandle(): void {}
  }
  vi.stubGlobal('FileSystemFileHandle', FileSystemFileHandle)
})
afterEach(() => vi.unstubAllGlobals())

describe('the origin private file system', () => {
  it('keeps what was written anywhere in a file until it is deleted', async () => {
    const device = await opened(createFakeStorage())
    expect(await device.open(NAME, 'read')).toBeUndefined()
    expect(await device.stat(NAME)).toBeUndefined()
    const file = await device.open(NAME, 'write')
    await file?.write(3, Uint8Array.of(4, 5, 6))
    await file?.flush()
    await file?.close()
    const again = await device.open(NAME, 'read')
    const into = new Uint8Array(9)
    expect(await again?.read(2, into)).toBe(4)
    expect([...into]).toEqual([0, 4, 5, 6, 0, 0, 0, 0, 0])
    expect(await device.stat(NAME)).toEqual({ size: 6, modifiedAt: 9 })
    expect(await device.list()).toEqual([NAME])
    await again?.close()
    await device.remove(NAME)
    await device.remove(NAME)
    expect(await device.list()).toEqual([])
  })

  it('says whether the quota or the disk is full', async () => {
    for (const [limits, reason] of [
      [{ quota: 4 }, 'quota'],
      [{ disk: 4 }, 'disk'],
    ] as const) {
      const file = await (await opened(createFakeStorage(limits))).open(NAME, 'write')
      await expect(file?.write(0, new Uint8Array(6))).rejects.toMatchObject({ name: 'DeviceFull', reason })
    }
  })

  it('is not there where the browser keeps nothing, or refuses to', async () => {
    expect(await openOpfsDevice(undefined, clock)).toBeUndefined()
    expect(await openOpfsDevice({} as StorageManager, clock)).toBeUndefined()
    const refusing = { getDirectory: () => Promise.reject(new DOMException('', 'SecurityError')) }
    expect(await openOpfsDevice(refusing as unknown as StorageManager, clock)).toBeUndefined()
    vi.stubGlobal('FileSystemFileHandle', class {})
    expect(await openOpfsDevice(createFakeStorage(), clock)).toBeUndefined()
  })

  it('waits a moment for a file that somebody holds without our lock, then says that it is busy', async () => {
    const device = await opened(createFakeStorage())
    const file = await device.open(NAME, 'write')
    const waiting = device.open(NAME, 'read')
    await clock.advance(100)
    await file?.close()
    await clock.advance(100)
    await (await waiting)?.close()
    await device.open(NAME, 'write')
    const refused = expect(device.open(NAME, 'read')).rejects.toMatchObject({ code: 'models.store-busy' })
    await clock.advance(5000)
    await refused
  })
})
