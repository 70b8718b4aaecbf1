import { describe, expect, it } from 'vitest'
import { createEngineQueue } from './engine-queue.ts'

const never = new AbortController().signal

describe('createEngineQueue', () => {
  it('lets one in at a time, in the order they came', async () => {
    const queue = createEngineQueue(3)
    const order: string[] = []
    const visit = async (name: string): Promise<void> => {
      const leave = await queue.enter(never)
      order.push(`${name} in`)
      await Promise.resolve()
      order.push(`${name} out`)
      leave()
    }
    await Promise.all([visit('a'), visit('b'), visit('c')])
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('refuses at once when too many wait', async () => {
    const queue = createEngineQueue(1)
    await queue.enter(never)
    void queue.enter(never)
    await expect(queue.enter(never)).rejects.toMatchObject({ code: 'engine.queue-full', facts: { limit: 1 } })
  })

  it('gives a place in the queue up when the signal says so', async () => {
    const queue = createEngineQueue(1)
    const leave = await queue.enter(never)
    const controller = new AbortController()
    const waiting = queue.enter(controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const next = queue.enter(never)
    leave()
    ;(await next)()
  })

  it('takes a second leave for nothing', async () => {
    const queue = createEngineQueue(2)
    const leave = await queue.enter(never)
    const second = queue.enter(never)
    let third = false
    void queue.enter(never).then(() => (third = true))
    leave()
    leave()
    await second
    await Promise.resolve()
    expect(third).toBe(false)
  })
})
