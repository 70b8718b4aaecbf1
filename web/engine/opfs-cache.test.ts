import { describe, expect, it } from 'vitest'
import { createOpfsCache } from './opfs-cache.ts'

/** An origin private file system in memory, with locks and a limit as the real one has them. */
function createFakeStorage(limit = Infinity) {
  const files = new Map<string, Uint8Array>()
  const locked = new Set<string>()
  const handleOf = (name: string) => ({
    async createSyncAccessHandle() {
      if (locked.has(name)) throw new DOMException('locked', 'NoModificationAllowedError')
      locked.add(name)
      const get = (): Uint8Array => files.get(name) ?? new Uint8Array(0)
      return {
        getSize: () => get().length,
        read(into: Uint8Array, { at }: { at: number }) {
          const part = get().subarray(at, at + into.length)
          into.set(part)
          return part.length
        },
        write(bytes: Uint8Array, { at }: { at: number }) {
          const fits = Math.max(0, Math.min(bytes.length, limit - at))
          const grown = new Uint8Array(Math.max(get().length, at + fits))
          grown.set(get())
          grown.set(bytes.subarray(0, fits), at)
          files.set(name, grown)
          return fits
        },
        truncate: (size: number) => void files.set(name, get().slice(0, size)),
        flush: () => {},
        close: () => void locked.delete(name),
      }
    },
  })
  const folder = { getFileHandle: async (name: string) => handleOf(name) }
  const root = { getDirectoryHandle: async () => folder }
  return { getDirectory: async () => root } as unknown as StorageManager
}

const file = { sha256: 'a'.repeat(64), size: 6 }

describe('createOpfsCache', () => {
  it('keeps what was written until it is opened again', async () => {
    const cache = createOpfsCache(createFakeStorage())
    const first = await cache?.open(file)
    await first?.write(0, Uint8Array.of(1, 2, 3))
    await first?.write(3, Uint8Array.of(4, 5, 6))
    await first?.truncate(5)
    await first?.close()
    const second = await cache?.open(file)
    expect(second?.size).toBe(5)
    expect(await second?.read(2, 10)).toEqual(Uint8Array.of(3, 4, 5))
  })

  it('reports a full disk', async () => {
    const place = await createOpfsCache(createFakeStorage(4))?.open(file)
    await expect(place?.write(0, new Uint8Array(6))).rejects.toThrow('full')
  })

  it('is not there where the browser keeps nothing', () => {
    expect(createOpfsCache(undefined)).toBeUndefined()
    expect(createOpfsCache({} as StorageManager)).toBeUndefined()
  })

  it('rejects while another tab has the file', async () => {
    const cache = createOpfsCache(createFakeStorage())
    await cache?.open(file)
    await expect(cache?.open(file)).rejects.toMatchObject({ name: 'NoModificationAllowedError' })
  })
})
