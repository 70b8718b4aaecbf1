import { describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { makeManifest, makeModelFile, nodeDigest as digest } from '../../testing/model-file.ts'
import { MemoryStore } from './memory-store.ts'
import { fetchOnce } from './one-fetch.ts'
import { LocalLocks } from './store-locks.ts'

const [one, two] = [makeModelFile(2 * MIB + 9), makeModelFile(MIB, { seed: 2, path: 'config.json' })]
const manifest = makeManifest(one.file, two.file)

describe('fetchOnce', () => {
  it('lets one fetch; who waits hears of what comes, and has nothing left to do', async () => {
    const [store, locks, clock] = [new MemoryStore({ digest }), new LocalLocks(), new FakeClock()]
    const first = Promise.withResolvers<void>()
    const ran: string[] = []
    const heard: number[] = []
    const fetching = fetchOnce({ store, locks, clock }, manifest, async () => {
      ran.push('first')
      await first.promise
      for (const [i, piece] of [0, 1, 2].entries()) await store.put(one.file, i, one.piece(piece))
    })
    const waiting = fetchOnce(
      { store, locks, clock },
      // Another model with one file in common.
      makeManifest(two.file, one.file),
      async () => void ran.push(`second, ${(await store.held(one.file)).count} pieces here`),
      { onProgress: ({ loadedBytes }) => heard.push(loadedBytes) },
    )
    await store.put(two.file, 0, two.piece(0))
    await clock.advance(1000)
    await expect.poll(() => heard).toEqual([two.file.size])
    expect(ran).toEqual(['first'])
    first.resolve()
    await Promise.all([fetching, waiting])
    expect(ran).toEqual(['first', 'second, 3 pieces here'])
    await clock.advance(10_000)
    expect(heard.length, 'nobody looks on').toBe(1)
  })

  it('goes on for one that failed or went, and ends a wait by its signal', async () => {
    const [store, locks, clock] = [new MemoryStore({ digest }), new LocalLocks(), new FakeClock()]
    const gone = Promise.withResolvers<void>()
    const stop = new AbortController()
    const ran: string[] = []
    const dying = fetchOnce({ store, locks, clock }, manifest, () => gone.promise)
    const stopped = fetchOnce({ store, locks, clock }, manifest, async () => void ran.push('stopped'), {
      signal: stop.signal,
    })
    const next = fetchOnce({ store, locks, clock }, manifest, async () => void ran.push('next'))
    stop.abort(new Error('left'))
    await expect(stopped).rejects.toThrow('left')
    gone.reject(new Error('died'))
    await expect(dying).rejects.toThrow('died')
    await next
    expect(ran).toEqual(['next'])
  })
})
