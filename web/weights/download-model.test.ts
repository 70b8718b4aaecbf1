import { describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { FetchProgress } from '#shared/models/pieces/fetch-progress.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { MemoryDisk } from '#shared/testing/memory-disk.ts'
import { digest, makeModel, originOf, pieceOf } from '#shared/testing/pieces.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { downloadModel, type DownloadComponents, type DownloadOptions } from './download-model.ts'

const model = await makeModel({ 'onnx/model.onnx': 8 * MIB + 321, 'tokenizer.json': 3000 })
const totalBytes = 8 * MIB + 321 + 3000

const gone: ByteSource = {
  open: (path) => Promise.reject(new InfernetError('models.unavailable', { path, status: 404 })),
}

function download(
  store: PieceStore,
  source: ByteSource,
  { swarm, ...options }: DownloadOptions & Pick<DownloadComponents, 'swarm'> = {},
): Promise<void> {
  const origins = [{ name: 'the origin', source }]
  return downloadModel(
    { clock: realClock, random: realRandom, store, origins, swarm },
    model.manifest,
    options,
  )
}

describe('downloadModel', () => {
  it('tells how far it is in both ways, and goes on from where it was stopped with what is missing alone', async () => {
    const store = new MemoryStore({ digest })
    const stop = new AbortController()
    const first = originOf(model)
    const slow: ByteSource = {
      open: async (path, options) => {
        const { offset, body } = await first.open(path, options)
        return { offset, body: stoppingAt(body, 5 * MIB, stop) }
      },
    }
    await expect(download(store, slow, { signal: stop.signal })).rejects.toThrow('closed')
    const kept = (await model.numbers.heldIn(store)).count
    expect(kept).toBeGreaterThanOrEqual(4)
    const seen: LoadProgress[] = []
    const pieces: FetchProgress[] = []
    await download(store, originOf(model), {
      onProgress: (each) => seen.push(each),
      onPieces: (each) => pieces.push(each),
    })
    expect(seen.at(-1)).toEqual({ phase: 'downloading', loadedBytes: totalBytes, totalBytes })
    const last = pieces.at(-1)
    expect(last).toMatchObject({ wastedBytes: 0, peers: { bytes: 0 } })
    expect(last?.heldBeforeBytes).toBeGreaterThanOrEqual(kept * MIB - MIB)
    expect((last?.origins.bytes ?? 0) + (last?.heldBeforeBytes ?? 0)).toBe(totalBytes)
  })

  it.each([
    ['quota', 'models.quota-exceeded'],
    ['disk', 'models.disk-full'],
  ] as const)(
    'ends with a name when the room does (%s), and leaves what is right',
    async (fullReason, code) => {
      const disk = new MemoryDisk({ roomBytes: 4 * MIB + 20_000, fullReason })
      const locks = new LocalLocks()
      const store = new FileStore({ device: disk.device(), locks, digest, clock: realClock })
      await expect(download(store, originOf(model))).rejects.toMatchObject({ code })
      const held = await model.numbers.heldIn(store)
      expect(held.count).toBeGreaterThan(0)
      disk.roomBytes = Infinity
      await download(store, originOf(model))
      expect((await model.numbers.heldIn(store)).isComplete).toBe(true)
    },
  )

  it('says what the origin says where no peer was asked, and that nobody has it where they were', async () => {
    const store = new MemoryStore({ digest })
    await expect(download(store, gone)).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { status: 404 },
    })
    const swarm = { mayAsk: true, fetch: () => Promise.reject(new InfernetError('models.nobody-left')) }
    await expect(download(store, gone, { swarm })).rejects.toMatchObject({ code: 'models.nobody-left' })
  })

  it('tells what the origin gave where the visitor lets no peer be asked', async () => {
    const error = new InfernetError('models.origin-differs', { path: 'onnx/model.onnx' })
    const swarm: DownloadComponents['swarm'] = {
      mayAsk: false,
      fetch: async (_, { onProgress }) => {
        onProgress?.({ faults: [{ from: 'origin', name: 'the origin', error }] } as unknown as FetchProgress)
        throw new InfernetError('models.nobody-left')
      },
    }
    await expect(download(new MemoryStore({ digest }), gone, { swarm })).rejects.toMatchObject({
      code: 'models.corrupt',
    })
  })

  it('says that a hub wants a token, though peers were asked, too: that is what a person can give', async () => {
    const gated = new InfernetError('origin.gated', { repository: 'owner/name', hasToken: false })
    const other = new InfernetError('models.unavailable', { status: 404 })
    const swarm: DownloadComponents['swarm'] = {
      mayAsk: true,
      fetch: async (_, { onProgress }) => {
        const faults = [gated, other].map((error) => ({ from: 'origin', name: 'the origin', error }))
        onProgress?.({ faults } as unknown as FetchProgress)
        throw new InfernetError('models.nobody-left')
      },
    }
    await expect(download(new MemoryStore({ digest }), gone, { swarm })).rejects.toBe(gated)
  })

  it('asks the swarm where there is one, and hands on that it shall ask no peer', async () => {
    const asked: unknown[] = []
    const swarm: DownloadComponents['swarm'] = {
      mayAsk: true,
      fetch: async (_, { originsOnly, origins }) => {
        asked.push([originsOnly, origins.map(({ name }) => name)])
        return {} as FetchProgress
      },
    }
    await download(new MemoryStore({ digest }), gone, { swarm, originsOnly: true })
    await download(new MemoryStore({ digest }), gone, { swarm })
    expect(asked).toEqual([
      [true, ['the origin']],
      [false, ['the origin']],
    ])
  })

  it('keeps nothing that is wrong', async () => {
    const store = new MemoryStore({ digest })
    const [file] = model.manifest.files
    const bytes = pieceOf(model, 0)
    bytes[5] = (bytes[5] ?? 0) ^ 1
    expect(file && (await store.put(file, 0, bytes))).toBe('wrong')
    const liar: ByteSource = {
      open: async (_, { offset }) => ({ offset, body: lies() }),
    }
    await expect(download(store, liar)).rejects.toMatchObject({ code: 'models.corrupt' })
    expect((await model.numbers.heldIn(store)).count).toBe(0)
  })
})

async function* stoppingAt(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  stop: AbortController,
): AsyncGenerator<Uint8Array, void, void> {
  let sent = 0
  for await (const chunk of body) {
    if (sent >= bytes) return stop.abort(new Error('closed'))
    yield chunk
    sent += chunk.length
  }
}

async function* lies(): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < totalBytes; at += MIB) yield new Uint8Array(MIB)
}
