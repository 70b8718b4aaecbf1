import { describe, expect, it } from 'vitest'
import { checkRoom, keepStorage } from './model-storage.ts'

const storage = (parts: object): StorageManager => parts as StorageManager

describe('keepStorage', () => {
  it('is false when the browser refuses or cannot', async () => {
    expect(await keepStorage(storage({ persist: async () => true }))).toBe(true)
    expect(await keepStorage(storage({ persist: async () => false }))).toBe(false)
    expect(await keepStorage(storage({ persist: () => Promise.reject(new Error()) }))).toBe(false)
    expect(await keepStorage(storage({}))).toBe(false)
  })
})

describe('checkRoom', () => {
  const files = [
    { sha256: 'a'.repeat(64), size: 3_000_000 },
    { sha256: 'b'.repeat(64), size: 9_200_000 },
  ]

  /** An origin with so many bytes free, that keeps these. */
  function parts(freeBytes: number, kept: Record<string, number | DOMException> = {}) {
    const getFileHandle = async (name: string) => {
      const size = kept[name] ?? new DOMException('', 'NotFoundError')
      if (size instanceof DOMException) throw size
      return { getFile: async () => ({ size }) }
    }
    const root = { getDirectoryHandle: async () => ({ getFileHandle }) }
    return {
      estimate: async () => ({ usage: 50, quota: 50 + freeBytes }),
      getDirectory: async () => root,
    }
  }
  const origin = (...of: Parameters<typeof parts>): StorageManager => storage(parts(...of))
  const refusal = { code: 'models.no-space', facts: { neededMb: 13, freeMb: 12 } }

  it('refuses with both figures what cannot be kept', async () => {
    await expect(checkRoom(files, origin(12_199_999))).rejects.toMatchObject(refusal)
    await checkRoom(files, origin(12_200_000))
  })

  it('asks no room for what is here already', async () => {
    await checkRoom(files, origin(9_200_000, { ['a'.repeat(64)]: 3_000_000 }))
    await expect(checkRoom(files, origin(9_199_999, { ['a'.repeat(64)]: 3_000_000 }))).rejects.toMatchObject({
      facts: { neededMb: 10, freeMb: 9 },
    })
    // A file longer than it should be provides its length to no other.
    await expect(checkRoom(files, origin(9_000_000, { ['a'.repeat(64)]: 90_000_000 }))).rejects.toMatchObject(
      {
        code: 'models.no-space',
      },
    )
    await checkRoom(files, origin(0, { ['a'.repeat(64)]: 3_000_000, ['b'.repeat(64)]: 9_200_000 }))
  })

  it('refuses nothing where the room, or what is here, is not known', async () => {
    const { estimate, getDirectory } = parts(0)
    await checkRoom(files, storage({ estimate }))
    await checkRoom(files, storage({ getDirectory }))
    await checkRoom(files, storage({ getDirectory, estimate: async () => ({}) }))
    await checkRoom(files, storage({ getDirectory, estimate: () => Promise.reject(new Error()) }))
    await checkRoom(files, storage({ estimate, getDirectory: () => Promise.reject(new DOMException()) }))
    await checkRoom(files, origin(0, { ['a'.repeat(64)]: new DOMException('', 'NotReadableError') }))
  })
})
