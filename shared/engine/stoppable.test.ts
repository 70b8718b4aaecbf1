import { describe, expect, it } from 'vitest'
import { stoppable } from './stoppable.ts'

function count(stop: AbortController, log: string[]) {
  async function* numbers(): AsyncGenerator<number, void, void> {
    try {
      yield 1
      await new Promise((_, reject) => {
        stop.signal.addEventListener('abort', () => reject(new Error('stopped')))
      })
      yield 2
    } finally {
      log.push('cleaned')
    }
  }
  return stoppable(numbers(), stop)
}

describe('stoppable', () => {
  it('ends a pending pull when the consumer leaves, after cleaning up', async () => {
    const log: string[] = []
    const stream = count(new AbortController(), log)
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    const pending = stream.next()
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    expect(log).toEqual(['cleaned'])
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('passes an error on when nobody left', async () => {
    const controller = new AbortController()
    async function* failing(): AsyncGenerator<number, void, void> {
      yield 1
      throw new Error('broken')
    }
    const stream = stoppable(failing(), controller)
    await stream.next()
    await expect(stream.next()).rejects.toThrow('broken')
  })

  it('cleans up when a loop is left early, and when it goes out of scope', async () => {
    const log: string[] = []
    for await (const n of count(new AbortController(), log)) if (n === 1) break
    expect(log).toEqual(['cleaned'])
    {
      await using stream = count(new AbortController(), log)
      await stream.next()
    }
    expect(log).toEqual(['cleaned', 'cleaned'])
  })
})
