import { describe, expect, it } from 'vitest'
import { clearModelStorage, keepStorage, readStorageRoom } from './model-storage.ts'

const storage = (parts: object): StorageManager => parts as StorageManager

describe('readStorageRoom', () => {
  it('tells what is used, what is free and whether it stays', async () => {
    const room = await readStorageRoom(
      storage({ estimate: async () => ({ usage: 30, quota: 100 }), persisted: async () => true }),
    )
    expect(room).toEqual({ usedBytes: 30, freeBytes: 70, persisted: true })
  })

  it('gives nothing where the browser says nothing', async () => {
    expect(await readStorageRoom(storage({ estimate: () => Promise.reject(new Error()) }))).toBeUndefined()
  })
})

describe('keepStorage', () => {
  it('is false when the browser refuses or cannot', async () => {
    expect(await keepStorage(storage({ persist: async () => true }))).toBe(true)
    expect(await keepStorage(storage({ persist: () => Promise.reject(new Error()) }))).toBe(false)
  })
})

describe('clearModelStorage', () => {
  it('removes the folder, and takes a missing one for removed', async () => {
    const removed: string[] = []
    const root = { removeEntry: async (name: string) => void removed.push(name) }
    await clearModelStorage('models', storage({ getDirectory: async () => root }))
    expect(removed).toEqual(['models'])
    const empty = { removeEntry: () => Promise.reject(new DOMException('', 'NotFoundError')) }
    await clearModelStorage('models', storage({ getDirectory: async () => empty }))
  })
})
