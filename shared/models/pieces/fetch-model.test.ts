import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import {
  digest,
  heldIn,
  makeModel,
  originOf,
  pieceOf,
  storeWith,
  TestSwarm,
  type TestModel,
} from '../../testing/pieces.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import type { ByteSource } from '../byte-source.ts'
import { hashManifest } from '../manifest.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { fetchManifest } from './fetch-manifest.ts'
import { fetchModel } from './fetch-model.ts'
import type { FetchProgress } from './fetch-progress.ts'
import { fetcherMessageSchema } from './messages.ts'
import { PiecesService } from './pieces-service.ts'
import { RateCap } from './rate-cap.ts'

describe('fetchModel', () => {
  let model: TestModel
  let store: MemoryStore
  let swarm: TestSwarm
  let stops: (() => void)[]

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 6.5 * MIB, 'tokenizer.json': 3000, 'empty.txt': 0 })
    store = new MemoryStore({ digest })
    swarm = await TestSwarm.create()
    stops = []
  })
  afterEach(() => stops.forEach((stop) => stop()))

  const seeder = async (from?: MemoryStore, cap?: RateCap) => {
    const ledger = new ExchangeLedger(realClock)
    const service = new PiecesService({ clock: realClock, random: realRandom, ledger, cap })
    stops.push(() => service.stop())
    await service.share(model.manifest, from ?? (await storeWith(model)))
    return { service, name: await swarm.add(service.handle) }
  }
  const components = () => ({ store, clock: realClock, random: realRandom })

  it('brings a model from one peer, every file of it', async () => {
    const { service } = await seeder()
    const done = await fetchModel({ ...components(), swarm }, model.manifest)
    expect(await heldIn(model, store)).toBe(8)
    expect(done).toMatchObject({ missingBytes: 0, heldBeforeBytes: 0, wastedBytes: 0, faults: [] })
    expect(done.peers.bytes).toBe(done.totalBytes)
    expect(service.givenBytes).toBe(done.totalBytes)
    for (let flat = 0; flat < 8; flat++) {
      const placed = model.numbers.at(flat)
      expect(placed && (await store.read(placed.file, placed.piece))).toEqual(pieceOf(model, flat))
    }
  })

  it('brings it from an origin alone, each byte once, and tells nobody else', async () => {
    await seeder()
    const source = originOf(model)
    const done = await fetchModel({ ...components(), origins: [{ name: 'hub', source }] }, model.manifest)
    expect(await heldIn(model, store)).toBe(8)
    expect(done).toMatchObject({ wastedBytes: 0, peers: { bytes: 0 }, origins: { bytes: done.totalBytes } })
    expect(source.opened).toHaveLength(2) // one request a file; the empty one needs none
    expect(swarm.opened).toEqual([])
  })

  it('asks the next origin only for what those before it do not have', async () => {
    const first = originOf(model)
    const gone: ByteSource = {
      open: (path, options) =>
        path === 'tokenizer.json'
          ? Promise.reject(new InfernetError('models.unavailable', { path, status: 404 }))
          : first.open(path, options),
    }
    const next = originOf(model)
    const origins = [
      { name: 'the relay', source: gone },
      { name: 'the hub', source: next },
    ]
    const done = await fetchModel({ ...components(), origins }, model.manifest)
    expect(done).toMatchObject({ missingBytes: 0, origins: { bytes: done.totalBytes } })
    expect(next.opened.map(({ path }) => path)).toEqual(['tokenizer.json'])
  })

  it('takes from both at once', async () => {
    const cap = new RateCap(realClock, 0)
    await seeder(undefined, cap)
    const fromPeers = Promise.withResolvers<void>()
    const plain = originOf(model)
    // The origin gives something before the peer does, and pauses until the peer did.
    const source: ByteSource = {
      open: async (path, options) => {
        const { offset, body } = await plain.open(path, options)
        return { offset, body: pausing(body, 1.5 * MIB, fromPeers.promise) }
      },
    }
    const done = await fetchModel(
      { ...components(), swarm, origins: [{ name: 'hub', source }] },
      model.manifest,
      {
        originCost: 0,
        onProgress: ({ peers, origins }) => {
          if (origins.bytes > 0) cap.set(undefined)
          if (peers.bytes > 0) fromPeers.resolve()
        },
      },
    )
    expect(done.peers.bytes).toBeGreaterThan(0)
    expect(done.origins.bytes).toBeGreaterThan(0)
    expect(done.peers.bytes + done.origins.bytes).toBe(done.totalBytes)
  })

  it('brings only the files that are named', async () => {
    await seeder()
    const done = await fetchModel({ ...components(), swarm }, model.manifest, { paths: ['tokenizer.json'] })
    expect(done.totalBytes).toBe(3000)
    expect(await heldIn(model, store)).toBe(1)
    await expect(fetchModel(components(), model.manifest, { paths: ['other'] })).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { path: 'other' },
    })
  })

  it('goes on where a signal ended it, and fetches nothing twice that was kept', async () => {
    const { service } = await seeder()
    const pause = new AbortController()
    const onHeld = (): void => pause.abort(new Error('paused'))
    await expect(
      fetchModel({ ...components(), swarm }, model.manifest, { signal: pause.signal, onHeld }),
    ).rejects.toThrow('paused')
    const kept = await heldIn(model, store)
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan(8)
    const before = service.givenBytes
    const seen: FetchProgress[] = []
    const done = await fetchModel({ ...components(), swarm }, model.manifest, {
      onProgress: (progress) => seen.push(progress),
    })
    expect(done.heldBeforeBytes).toBeGreaterThan(0)
    expect(seen.at(-1)).toEqual(done)
    expect(service.givenBytes - before).toBe(done.totalBytes - done.heldBeforeBytes)
    expect(await heldIn(model, store)).toBe(8)
  })

  it('writes nothing more once it ended', async () => {
    await seeder()
    const pause = new AbortController()
    const slow = Promise.withResolvers<void>()
    let writing = 0
    const slowStore = {
      held: (...args: Parameters<MemoryStore['held']>) => store.held(...args),
      put: async (...args: Parameters<MemoryStore['put']>) => {
        writing++
        pause.abort(new Error('paused'))
        await slow.promise
        writing--
        return store.put(...args)
      },
    }
    let isOver = false
    const fetching = fetchModel({ ...components(), store: slowStore, swarm }, model.manifest, {
      signal: pause.signal,
    }).finally(() => (isOver = true))
    fetching.catch(() => undefined)
    await new Promise((resolve) => pause.signal.addEventListener('abort', resolve))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect([isOver, writing > 0]).toEqual([false, true])
    slow.resolve()
    await expect(fetching).rejects.toThrow('paused')
    expect(writing).toBe(0)
  })

  it('needs nobody when everything is here', async () => {
    const done = await fetchModel({ ...components(), store: await storeWith(model) }, model.manifest)
    expect(done).toMatchObject({ missingBytes: 0, heldBytes: done.totalBytes })
  })

  it('puts together what several peers have in parts, and learns what comes to them meanwhile', async () => {
    const growing = await storeWith(model, [4, 5])
    await seeder(await storeWith(model, [0, 1, 2, 3]))
    const { service } = await seeder(growing)
    const onHeld = (): void => {
      for (const flat of [6, 7]) {
        const placed = model.numbers.at(flat)
        if (placed)
          void growing
            .put(placed.file, placed.piece, pieceOf(model, flat))
            .then(() => service.noteHeld(hashManifest(model.manifest), flat))
      }
    }
    await fetchModel({ ...components(), swarm }, model.manifest, { onHeld })
    expect(await heldIn(model, store)).toBe(8)
  })

  it('says what is kept when nobody is left', async () => {
    await seeder(await storeWith(model, [0, 1]))
    const source = originOf(model, (bytes) => bytes.subarray(0, 3 * MIB))
    const run = fetchModel({ ...components(), origins: [{ name: 'hub', source }] }, model.manifest)
    await expect(run).rejects.toMatchObject({
      code: 'models.nobody-left',
      facts: { keptMb: 3, totalMb: 7 },
    })
    expect(await heldIn(model, store)).toBe(4)
  })

  it('says so when the storage is full, and keeps what went in', async () => {
    await seeder()
    store = new MemoryStore({ digest }, { roomBytes: 2.5 * MIB })
    const failed = await fetchModel({ ...components(), swarm }, model.manifest).catch(
      (thrown: unknown) => thrown as InfernetError,
    )
    expect(failed).toMatchObject({ code: 'models.store-full', facts: { totalMb: 7 } })
    expect(await heldIn(model, store)).toBeGreaterThan(0)
    expect(await heldIn(model, store)).toBeLessThan(8)
  })

  it('gets a manifest from the one who has it among many who hang, lie or refuse', async () => {
    const refused = { type: 'refused', error: { code: 'models.not-seeded', facts: {} } }
    const wrong = { type: 'manifest', total: 3, offset: 0, bytes: Uint8Array.of(1, 2, 3) }
    const huge = { type: 'manifest', total: 100 * MIB, offset: 0, bytes: new Uint8Array(60_000) }
    const answering = (answer: unknown): PiecesService['handle'] => {
      return async (stream) => {
        const frames = new FramedStream(stream, fetcherMessageSchema, realClock)
        await frames.receive()
        if (answer) await frames.send(answer)
      }
    }
    for (const answer of [undefined, refused, wrong, undefined, huge, undefined, wrong])
      await swarm.add(answering(answer))
    await seeder()
    expect(await fetchManifest({ swarm, clock: realClock }, hashManifest(model.manifest))).toEqual(
      model.manifest,
    )
  })

  it('gets a manifest by its hash, and believes no other bytes', async () => {
    const { service } = await seeder()
    const hash = hashManifest(model.manifest)
    expect(await fetchManifest({ swarm, clock: realClock }, hash)).toEqual(model.manifest)
    service.unshare(hash)
    await expect(fetchManifest({ swarm, clock: realClock }, hash)).rejects.toMatchObject({
      code: 'models.nobody-left',
    })
  })
})

async function* pausing(
  body: AsyncIterable<Uint8Array>,
  afterBytes: number,
  until: Promise<void>,
): AsyncGenerator<Uint8Array, void, void> {
  let count = 0
  for await (const chunk of body) {
    count += chunk.length
    if (count > afterBytes) await until
    yield chunk
  }
}
