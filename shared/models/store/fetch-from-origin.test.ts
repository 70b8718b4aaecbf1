import { describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { MemoryDisk } from '../../testing/memory-disk.ts'
import { hashHex, makeManifest, makeModelFile, nodeDigest as digest } from '../../testing/model-file.ts'
import type { ByteSource } from '../byte-source.ts'
import type { LoadProgress } from '../load-progress.ts'
import { fetchFromOrigin } from './fetch-from-origin.ts'
import { FileStore } from './file-store.ts'
import { MemoryStore } from './memory-store.ts'
import { LocalLocks } from './store-locks.ts'

const made = makeModelFile(8 * MIB + 321)
const { file, bytes } = made
const manifest = makeManifest(file)

/** Serves the file; `spoil` changes what the nth opening gives, or ends it. */
function originOf(
  spoil: (opening: number, served: Uint8Array) => Uint8Array = (_, served) => served,
  { ranges = true } = {},
) {
  const offsets: number[] = []
  const source: ByteSource = {
    async open(_, { offset }) {
      const whole = spoil(offsets.push(offset), bytes)
      const start = ranges ? offset : 0
      return {
        offset: start,
        body: (async function* () {
          for (let at = start; at < whole.length; at += 300_000) yield whole.subarray(at, at + 300_000)
        })(),
      }
    },
  }
  return { source, offsets }
}

const NONE = new Uint8Array(0)
const emptyStore = () => new MemoryStore({ digest })
async function storeWith(pieces: readonly number[]) {
  const store = emptyStore()
  for (const piece of pieces) await store.put(file, piece, made.piece(piece))
  return store
}

describe('fetchFromOrigin', () => {
  it('brings all of a model, in one go, and tells how far it is', async () => {
    const { source, offsets } = originOf()
    const store = emptyStore()
    const seen: LoadProgress[] = []
    await fetchFromOrigin({ store, sources: [source] }, manifest, { onProgress: (each) => seen.push(each) })
    expect(hashHex(store.whole(file) ?? NONE)).toBe(file.sha256)
    expect(offsets).toEqual([0])
    expect(seen.at(-1)).toEqual({ phase: 'downloading', loadedBytes: file.size, totalBytes: file.size })
  })

  it('asks for what is missing alone, and runs over a few pieces that are here', async () => {
    const { source, offsets } = originOf()
    // Missing: 1, 3 and 8; from 3 on there are more pieces here than are worth reading again.
    const store = await storeWith([0, 2, 4, 5, 6, 7])
    await fetchFromOrigin({ store, sources: [source] }, manifest)
    expect(offsets).toEqual([MIB, 8 * MIB])
    expect(hashHex(store.whole(file) ?? NONE)).toBe(file.sha256)
    const again = originOf()
    await fetchFromOrigin({ store, sources: [again.source] }, manifest)
    expect(again.offsets).toEqual([])
  })

  it('keeps to an origin that begins at the beginning whatever it is asked', async () => {
    const { source, offsets } = originOf(undefined, { ranges: false })
    const store = await storeWith([0, 1, 2, 3, 4, 5, 6])
    await fetchFromOrigin({ store, sources: [source] }, manifest)
    expect(offsets).toEqual([7 * MIB])
    expect(hashHex(store.whole(file) ?? NONE)).toBe(file.sha256)
  })

  it('goes on at the next origin where one has other bytes, keeping what was right', async () => {
    const liar = originOf((_, served) => served.with(3 * MIB + 5, (served[3 * MIB + 5] ?? 0) ^ 1))
    const honest = originOf()
    const store = emptyStore()
    await fetchFromOrigin({ store, sources: [liar.source, honest.source] }, manifest)
    expect(liar.offsets[0]).toBe(0)
    expect(honest.offsets[0]).toBe(3 * MIB)
    expect(hashHex(store.whole(file) ?? NONE)).toBe(file.sha256)
  })

  it('asks an origin that says no once, then the next', async () => {
    const asked: string[] = []
    const gone: ByteSource = {
      async open(path) {
        asked.push(path)
        throw new InfernetError('models.unavailable', { path, status: 404 })
      },
    }
    const store = emptyStore()
    await fetchFromOrigin({ store, sources: [gone, originOf().source] }, manifest)
    expect(asked).toEqual([file.path])
    await expect(fetchFromOrigin({ store: emptyStore(), sources: [gone] }, manifest)).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { status: 404 },
    })
  })

  it.each([
    ['no answer', 2],
    [503, 2],
    [403, 1],
    [416, 1],
  ])('asks one that says %s as often as that may pass, then the next', async (status, times) => {
    let asked = 0
    const failing: ByteSource = {
      async open(path) {
        asked++
        throw new InfernetError('models.unavailable', { path, status })
      },
    }
    const store = emptyStore()
    await fetchFromOrigin({ store, sources: [failing, originOf().source] }, manifest)
    expect([asked, hashHex(store.whole(file) ?? NONE)]).toEqual([times, file.sha256])
  })

  it('ends where it was stopped, and goes on from there', async () => {
    const store = emptyStore()
    const stop = new AbortController()
    const fetching = fetchFromOrigin({ store, sources: [originOf().source] }, manifest, {
      signal: stop.signal,
      onProgress: ({ loadedBytes }) => {
        if (loadedBytes >= 2 * MIB) stop.abort(new Error('closed'))
      },
    })
    await expect(fetching).rejects.toThrow('closed')
    const map = await store.held(file)
    expect(map.count).toBeGreaterThanOrEqual(2)
    expect(map.isComplete).toBe(false)
    const later = originOf()
    await fetchFromOrigin({ store, sources: [later.source] }, manifest)
    expect(later.offsets).toEqual([map.count * MIB])
  })

  it.each([
    ['quota', 'models.quota-exceeded'],
    ['disk', 'models.disk-full'],
  ] as const)(
    'ends with a name when the room does (%s), asks nobody else, and leaves what is right',
    async (fullReason, code) => {
      const disk = new MemoryDisk({ roomBytes: 4 * MIB + 20_000, fullReason })
      const store = new FileStore({
        device: disk.device(),
        locks: new LocalLocks(),
        digest,
        clock: new FakeClock(),
      })
      const other = originOf()
      const sources = [originOf().source, other.source]
      await expect(fetchFromOrigin({ store, sources }, manifest)).rejects.toMatchObject({ code })
      expect(other.offsets).toEqual([])
      expect((await store.held(file)).count).toBe(4)
      disk.roomBytes = Infinity
      await fetchFromOrigin({ store, sources: [other.source] }, manifest)
      expect(other.offsets).toEqual([4 * MIB])
      expect(await store.isWhole(file)).toBe(true)
    },
  )
})
