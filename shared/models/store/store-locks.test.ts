import { describe, expect, it } from 'vitest'
import { LocalLocks, type Release } from './store-locks.ts'

const exclusive = { mode: 'exclusive' } as const
const shared = { mode: 'shared' } as const

describe('LocalLocks', () => {
  it('lets one in after the other, in their order, and several readers at once', async () => {
    const locks = new LocalLocks()
    const order: string[] = []
    const enter = async (who: string, mode: 'shared' | 'exclusive'): Promise<Release> => {
      const release = await locks.acquire('a', { mode })
      order.push(who)
      return release
    }
    const first = await enter('writer', 'exclusive')
    const readers = [enter('reader', 'shared'), enter('reader', 'shared')]
    const last = enter('last', 'exclusive')
    const late = enter('late', 'shared')
    first()
    const inside = await Promise.all(readers)
    expect(order).toEqual(['writer', 'reader', 'reader'])
    for (const release of inside) release()
    ;(await last)()
    ;(await late)()
    expect(order).toEqual(['writer', 'reader', 'reader', 'last', 'late'])
  })

  it('tries without a wait', async () => {
    const locks = new LocalLocks()
    const reader = await locks.tryAcquire('a', 'shared')
    expect(await locks.tryAcquire('a', 'exclusive')).toBeUndefined()
    expect(await locks.tryAcquire('a', 'shared')).toBeDefined()
    expect(await locks.tryAcquire('b', 'exclusive')).toBeDefined()
    reader?.()
    reader?.() // a second time frees nobody else's
    expect(await locks.tryAcquire('a', 'exclusive')).toBeUndefined()
  })

  it('tells who holds a name, or waits for it, when another one waits for it', async () => {
    const locks = new LocalLocks()
    const heard: string[] = []
    const acquire = (who: string, mode: 'shared' | 'exclusive') =>
      locks.acquire('a', { mode, onWanted: () => heard.push(who) })
    const [one, two] = [await acquire('one', 'shared'), await acquire('two', 'shared')]
    expect(heard, 'they share it').toEqual([])
    const writer = acquire('writer', 'exclusive')
    expect(heard, 'and not itself').toEqual(['one', 'two'])
    one()
    const last = acquire('last', 'shared')
    expect(heard).toEqual(['one', 'two', 'two', 'writer'])
    two()
    ;(await writer)()
    ;(await last)()
    ;(await acquire('later', 'exclusive'))()
    expect(heard.length, 'who let go hears nothing').toBe(4)
  })

  it('ends a wait by its signal, and lets those behind in', async () => {
    const locks = new LocalLocks()
    const reader = await locks.acquire('a', shared)
    const stop = new AbortController()
    const writer = locks.acquire('a', { ...exclusive, signal: stop.signal })
    const behind = locks.acquire('a', shared)
    stop.abort(new Error('enough'))
    await expect(writer).rejects.toThrow('enough')
    ;(await behind)()
    reader()
    await expect(locks.acquire('a', { ...exclusive, signal: stop.signal })).rejects.toThrow('enough')
    ;(await locks.acquire('a', exclusive))()
  })
})
