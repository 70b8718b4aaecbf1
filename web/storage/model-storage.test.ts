import { describe, expect, it } from 'vitest'
import { keepStorage } from './model-storage.ts'

const storage = (parts: object): StorageManager => parts as StorageManager

describe('keepStorage', () => {
  it('is false when the browser refuses or cannot', async () => {
    expect(await keepStorage(storage({ persist: async () => true }))).toBe(true)
    expect(await keepStorage(storage({ persist: async () => false }))).toBe(false)
    expect(await keepStorage(storage({ persist: () => Promise.reject(new Error()) }))).toBe(false)
    expect(await keepStorage(storage({}))).toBe(false)
  })
})
