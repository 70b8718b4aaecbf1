import { describe, expect, it } from 'vitest'
import { createMacrotask } from './macrotask.ts'

describe('createMacrotask', () => {
  it('resolves each breath, in order', async () => {
    const breathe = createMacrotask()
    const order: number[] = []
    await Promise.all([1, 2, 3].map((i) => breathe().then(() => order.push(i))))
    expect(order).toEqual([1, 2, 3])
  })
})
